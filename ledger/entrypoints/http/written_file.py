"""A file that is written down before any of it is given out: what is read in one go is not held open for a slow reader.

It has no name, and is gone with the answer.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_PIECE_BYTES = 65_536


class WrittenFile(StreamingResponse):
    """An answer that a browser keeps as a file of this name."""

    def __init__(self, file: IO[bytes], name: str, kind: str) -> None:
        pieces = iter(lambda: file.read(_PIECE_BYTES), b"")
        super().__init__(pieces, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give it out; whoever leaves in the middle leaves no open file."""
        with self._file:
            await super().__call__(scope, receive, send)


def written_texts(texts: Iterable[str], name: str, kind: str) -> WrittenFile:
    """Write texts down; what fails, fails here."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the answer closes it)
    try:
        for text in texts:
            file.write(text.encode("utf-8", "backslashreplace"))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return WrittenFile(file, name, kind)


def written_at(write: Callable[[Path], None], name: str, kind: str) -> WrittenFile:
    """Let somebody write a file at a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path)
        # Open, it stays when its folder goes.
        return WrittenFile(path.open("rb"), name, kind)
