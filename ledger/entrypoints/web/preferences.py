"""What a viewer chooses by hand: the language. The zone is told by the browser."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from ledger.entrypoints.http.door import Door, is_https, needs, refuse_other_sites
from ledger.entrypoints.web.page import LANGUAGE_COOKIE
from ledger.entrypoints.web.sign_in import HOME, own_page
from ledger.entrypoints.web.words import LANGUAGES

A_YEAR_SECONDS = 365 * 24 * 3600

router = APIRouter(route_class=Door, include_in_schema=False)


@router.post("/language", **needs(None))
def choose_language(
    request: Request, language: Annotated[str, Form()], goto: Annotated[str, Form(alias="next")] = HOME
) -> Response:
    """Keep a choice of language in this browser, and go back to the page."""
    refuse_other_sites(request)
    answer = RedirectResponse(own_page(goto), 303)
    if language in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=A_YEAR_SECONDS,
            path="/",
            httponly=True,
            secure=is_https(request),
            samesite="strict",
        )
    return answer
