"""Signing in and out: a token goes in, a session comes back as a cookie that no script can read."""

import logging
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from ledger.core.access.roles import Permission
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
from ledger.entrypoints.web.drafts import DRAFT, FIELD, BroughtAlong, Typed, drafts_of
from ledger.entrypoints.web.page import ONE_TIME_CODE, Viewed
from ledger.errors import AccessError, TokenForProgramsError, UnauthenticatedError
from ledger.parts import Parts
from ledger.services.access.tokens import Session

HOME, LINK_OVER = "/", "link_over"
# Longer ones are no tokens, and no pages of ours.
LONGEST_CHARACTERS = 4000

log = logging.getLogger(__name__)

router = APIRouter(route_class=Door, tags=["console"], include_in_schema=False)


@router.get("/sign-in", **needs(None))
def ask(
    request: Request,
    parts: LedgerParts,
    view: Viewed,
    goto: Annotated[str, Query(alias="next", max_length=LONGEST_CHARACTERS)] = HOME,
    once: Annotated[str | None, Query(alias=ONE_TIME_CODE, max_length=LONGEST_CHARACTERS)] = None,
) -> Response:
    """Ask for a token; `once` is the code of a link, which does without."""
    if once is None:
        return view.show("sign_in.html", goto=own_page(goto), error=None, draft_fields=())
    links, sign_in = request.app.state.sign_in_links, parts.service_tokens.sign_in
    try:
        return _signed_in(request, parts, _counted(request, lambda: links.use(once, sign_in)), goto)
    except AccessError as error:
        code = LINK_OVER if isinstance(error, UnauthenticatedError) else error.code
        return view.show("sign_in.html", status=status_of(error), goto=own_page(goto), error=code, draft_fields=())


@router.post("/sign-in", **needs(None))
def sign_in(
    request: Request,
    parts: LedgerParts,
    view: Viewed,
    token: Annotated[str, Form(max_length=LONGEST_CHARACTERS)],
    draft: BroughtAlong,
    goto: Annotated[str, Form(alias="next", max_length=LONGEST_CHARACTERS)] = HOME,
) -> Response:
    """Open a session for who holds a token, and go on to the page that was wanted, with what had been typed there."""
    refuse_other_sites(request)
    try:
        session = _counted(request, lambda: parts.service_tokens.sign_in(token))
        return _signed_in(request, parts, session, _with_draft(request, goto, draft))
    except AccessError as error:
        if not wants_page(request):
            raise
        fields = [(FIELD + name, text) for name, text in draft]
        return view.show(
            "sign_in.html", status=status_of(error), goto=own_page(goto), error=error.code, draft_fields=fields
        )


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


def _with_draft(request: Request, goto: str, draft: Typed) -> str:
    """Return a page of ours that gives back what was typed."""
    page = own_page(goto)
    if not draft:
        return page
    return f"{page}{'&' if '?' in page else '?'}{urlencode({DRAFT: drafts_of(request).keep(draft)})}"


def _signed_in(request: Request, parts: Parts, session: Session, goto: str) -> Response:
    if not session.identity.may(Permission.SEE):
        parts.service_tokens.sign_out(session.secret)
        raise TokenForProgramsError(
            "this token is for programs that record: a person signs in with one of another role"
        )
    answer, is_secure = RedirectResponse(own_page(goto), 303), is_https(request)
    answer.set_cookie(
        SECURE_COOKIE if is_secure else COOKIE,
        session.secret,
        max_age=int(parts.settings.session_hours * 3600),
        path="/",
        httponly=True,
        secure=is_secure,
        # Strict: no page elsewhere leads into the console, so nothing is lost by it.
        samesite="strict",
    )
    return answer


def _counted(request: Request, sign_in: Callable[[], Session]) -> Session:
    """Sign in, and count it when that was wrong."""
    try:
        return sign_in()
    except UnauthenticatedError:
        address = request.client.host if request.client else "unknown"
        request.app.state.attempts.was_wrong(address)
        log.warning("somebody at %s tried to sign in with what is no token, or a link that is over", address)
        raise
