"""Signing in and out: a token goes in, a session comes back as a cookie that no script can read."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from ledger.entrypoints.http.door import (
    COOKIE,
    SECURE_COOKIE,
    Door,
    LedgerParts,
    is_https,
    needs,
    refuse_other_sites,
    session_of,
)
from ledger.entrypoints.http.problems import status_of, wants_page
from ledger.entrypoints.web.page import Viewed
from ledger.errors import AccessError, UnauthenticatedError

HOME = "/"
# Longer ones are no tokens, and no pages of ours.
LONGEST_CHARACTERS = 4000

router = APIRouter(route_class=Door, tags=["console"], include_in_schema=False)


@router.get("/sign-in", **needs(None))
def ask(view: Viewed, goto: Annotated[str, Query(alias="next", max_length=LONGEST_CHARACTERS)] = HOME) -> Response:
    """Ask for a token."""
    return view.show("sign_in.html", goto=own_page(goto), error=None)


@router.post("/sign-in", **needs(None))
def sign_in(
    request: Request,
    parts: LedgerParts,
    view: Viewed,
    token: Annotated[str, Form(max_length=LONGEST_CHARACTERS)],
    goto: Annotated[str, Form(alias="next", max_length=LONGEST_CHARACTERS)] = HOME,
) -> Response:
    """Open a session for who holds a token, and go on to the page that was wanted."""
    refuse_other_sites(request)
    try:
        secret = _session(request, parts, token)
    except AccessError as error:
        if not wants_page(request):
            raise
        return view.show("sign_in.html", status=status_of(error), goto=own_page(goto), error=error.code)
    answer = RedirectResponse(own_page(goto), 303)
    is_secure = is_https(request)
    answer.set_cookie(
        SECURE_COOKIE if is_secure else COOKIE,
        secret,
        max_age=int(parts.settings.session_hours * 3600),
        path="/",
        httponly=True,
        secure=is_secure,
        # Strict: no page elsewhere leads into the console, so nothing is lost by it.
        samesite="strict",
    )
    return answer


@router.post("/sign-out", **needs(None))
def sign_out(request: Request, parts: LedgerParts) -> Response:
    """End the session of this browser."""
    refuse_other_sites(request)
    if session := session_of(request):
        parts.service_tokens.sign_out(session)
    answer = RedirectResponse("/sign-in", 303)
    for name in (COOKIE, SECURE_COOKIE):
        answer.delete_cookie(name, path="/", httponly=True, secure=name == SECURE_COOKIE, samesite="strict")
    return answer


def own_page(path: str) -> str:
    """Return a path of ours, whatever was asked for: never the address of another site."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else HOME


def _session(request: Request, parts: LedgerParts, token: str) -> str:
    try:
        return parts.service_tokens.sign_in(token).secret
    except UnauthenticatedError:
        request.app.state.attempts.was_wrong(request.client.host if request.client else "unknown")
        raise
