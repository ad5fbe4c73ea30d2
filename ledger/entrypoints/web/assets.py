"""What pages load: style sheets, scripts, one icon; all from this package, named by their content."""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from ledger.entrypoints.http.door import Door, needs

NAMES = ("console.css", "console.js", "forms.js", "icon.svg", "morph.js", "now.js", "recall.js", "time.css")
_FOLDER = files("ledger.entrypoints.web").joinpath("static")

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/static/{name}", **needs(None))
def asset(name: str) -> Response:
    """Return a file that pages load; its address changes with its content, so browsers may keep it."""
    if name not in NAMES:
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(_content(name), media_type=kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def address(name: str) -> str:
    """Return where a file is."""
    return f"/static/{name}?{_digest(name)}"


def read_ahead() -> None:
    """Read every file: what is put in place of it later belongs to other pages."""
    for name in NAMES:
        _digest(name)


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:12]


@cache
def _content(name: str) -> bytes:
    return _FOLDER.joinpath(name).read_bytes()
