"""Problems: every error as an RFC 9457 document with its stable code; the one place that knows HTTP statuses."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from ledger.core.access.roles import Identity, Permission
from ledger.errors import (
    BusyError,
    DatabaseError,
    ForbiddenError,
    FormExpiredError,
    InputError,
    InvalidMessageError,
    LedgerError,
    NothingEligibleError,
    PlanChangedError,
    PlanEndedError,
    PlanTokenError,
    RequestInProgressError,
    RetryTooLargeError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnknownCorrectionError,
    UnknownRecallError,
    UnknownTokenError,
    WrongStateError,
)
from ledger.trace import request_id

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
SIGN_IN, NOTICE = "/sign-in", "refused"

ErrorPage = Callable[[Request, int, str, str, Mapping[str, str]], Response]

log = logging.getLogger(__name__)

_STATUSES: Sequence[tuple[type[LedgerError], int]] = (
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (UnknownCorrectionError, 404),
    (UnknownRecallError, 404),
    (UnknownTokenError, 404),
    (WrongStateError, 409),
    (PlanChangedError, 409),
    (PlanEndedError, 409),
    (PlanTokenError, 409),
    (RetryTooLargeError, 409),
    (NothingEligibleError, 409),
    (RequestInProgressError, 409),
    (InputError, 422),
    (TooManyAttemptsError, 429),
    (BusyError, 429),
    (DatabaseError, 503),
)
# Texts that name options of the command are put in the words of the API.
_TEXTS_HERE = {
    "empty_selection": "nothing is selected: name at least one of campaign, users, keys, robot, since, until",
}
# Where the database is, and whether it is full, locked or gone, is for those who look after the service.
_TO_STRANGERS = "the database cannot be used now: try again in a moment; the service's log says why"
_CODES_OF_STATUS = {
    400: "unreadable",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    421: "host_not_allowed",
}


class RejectedError(InvalidMessageError):
    """Nothing of what was handed in could be recorded, or too little; the answer says of each row why."""

    def __init__(self, received: Mapping[str, Any], why: str = "no row could be recorded: `rejected` says why") -> None:
        super().__init__(why)
        self.received = received


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it; programs go by `code`, people read `detail`."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "recall 7 is finished: a plan runs once",
                    "code": "wrong_state",
                }
            ]
        },
    )

    type: str = Field(default="about:blank", description="A URI of the kind of problem; the code says more.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong, and what to do next.")
    code: str = Field(description="The stable code of the error.")
    request_id: str | None = Field(default=None, description="Under this id the service's log tells more.")


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """Return a problem as an answer."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    if (current := request_id()) is not None:
        content["request_id"] = current
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: LedgerError) -> int:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def document_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the errors that a route may answer with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def answer_problems(app: Starlette, page: ErrorPage) -> None:
    """Let every error of an application end as a problem, or as a page when a person looks."""
    app.state.error_page = page
    app.add_exception_handler(LedgerError, _ledger_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, unexpected)


def _ledger_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError)  # noqa: S101  (it is registered for these)
    if wants_page(request) and isinstance(error, UnauthenticatedError) and not getattr(request.state, "typed", None):
        return RedirectResponse(f"{SIGN_IN}?next={quote(page_of(request), safe='/')}", 303)
    if wants_page(request) and isinstance(error, FormExpiredError):
        return RedirectResponse(with_notice(page_of(request), error.code), 303)
    status, headers = status_of(error), {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    more = error.received if isinstance(error, RejectedError) else {}
    who: Identity | None = getattr(request.state, "identity", None)
    return _answer(request, status, error.code, text_for(who, error), headers, **more)


def page_of(request: Request) -> str:
    """Return the page that somebody is on: of a form that was sent, the one that it stands on."""
    if request.method == "GET":
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host") or not page.path.startswith("/") or page.path.startswith("//"):
        return "/"
    rest = [(name, value) for name, value in parse_qsl(page.query, keep_blank_values=True) if name != NOTICE]
    return page.path + (f"?{urlencode(rest)}" if rest else "")


def with_notice(page: str, code: str) -> str:
    """Return the address of a page that is to say, in its own words, why something was not done."""
    return f"{page}{'&' if '?' in page else '?'}{urlencode({NOTICE: code})}"


def text_for(who: Identity | None, error: LedgerError) -> str:
    """Return what an error says to whoever asked over the network, None for who is not known."""
    if isinstance(error, DatabaseError) and not (who and who.may(Permission.OPERATE)):
        return _TO_STRANGERS
    return _TEXTS_HERE.get(error.code, str(error))


def wants_page(request: Request) -> bool:
    """Say whether a person looks at the answer, in a browser."""
    return not request.url.path.startswith("/v1/") and "text/html" in request.headers.get("accept", "")


def _answer(
    request: Request, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    if not wants_page(request):
        return problem(status, code, message, headers, **more)
    page: ErrorPage = request.app.state.error_page
    return page(request, status, code, message, headers or {})


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  (it is registered for these)
    errors = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in error.errors()]
    message = "; ".join(f"{one['where']}: {one['what'][0].lower()}{one['what'][1:]}" for one in errors)
    return _answer(request, 422, "invalid_request", message, errors=errors)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (it is registered for these)
    message = error.detail
    if error.status_code == 404:
        message = f"there is nothing at {request.url.path}: /openapi.json lists what there is"
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{request.method} is not for {request.url.path}: {allowed} is"
    code = _CODES_OF_STATUS.get(error.status_code, "error")
    return _answer(request, error.status_code, code, message, error.headers)


def unexpected(request: Request, error: Exception) -> Response:
    """Answer an error that nobody foresaw; the log has it whole."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, "unexpected", f"{type(error).__name__} in the service: its log says more")
