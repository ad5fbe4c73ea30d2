"""What comes back over HTTP, and what it means whatever was asked: refused, too fast, a token that ended, a proxy.

Sources: open.dingtalk.com, "error codes" and "call frequency limits". The older API answers `{"errcode", "errmsg"}`
with status 200: such a body is the error that it names, whichever host it came from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ledger.core.limits import storable
from ledger.core.recalls import pauses
from ledger.errors import PausedError

# How the reason of a missing answer begins when a proxy stands between.
THROUGH_PROXY = "through the proxy "
_TOKEN_CODES = {"InvalidAuthentication", "invalidAccessToken"}
_TOKEN_ERRCODES = {"40014", "42001"}
_THROTTLED_ERRCODES = {"90002", "90018"}
_QUOTA_ERRCODE, _ADDRESS_ERRCODE, _PERMISSION_ERRCODE = "90020", "60020", "60011"
# This one only says that the real one stands beside it.
_WRAPPING_ERRCODE = "88"
_SUBCODE = re.compile(r"\bsubcode=(\d+)")
# A proxy asks for a login of its own with these; only a network's own gate does so with the second.
_PROXY_STATUSES = {407, 511}
_TITLE = re.compile(r"<title>([^<]+)</title>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over HTTP: `body` is the parsed JSON or None, `text` the beginning of the raw text.

    The body never shows in a representation, since that of a token call is a secret. `server_time` is the answer's
    Date, to the second. `proxy` is the address of the proxy that it came through, which may have answered itself.
    """

    status: int
    body: Any = field(default=None, repr=False)
    text: str = ""
    request_id: str | None = None
    server_time: datetime | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Nothing came back. `sent` is False only when the request certainly never left."""

    reason: str
    sent: bool = True


def error_of(answer: Answer) -> tuple[str, str]:
    """Return the code and message of an error body; some pages write the field names with a capital."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    code = body.get("code") or body.get("Code") or errcode_of(answer) or f"http_{answer.status}"
    message = body.get("message") or body.get("Message") or body.get("errmsg") or answer.text[:200]
    return storable(code), storable(message)


def errcode_of(answer: Answer) -> str | None:
    """Return the number of the error that a body of the older API names; None when it names none."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    code = _number(body.get("errcode"))
    if code != _WRAPPING_ERRCODE:
        return code
    inside = _SUBCODE.search(storable(body.get("errmsg", "")))
    return _number(body.get("sub_code")) or (inside[1] if inside else code)


def _number(value: object) -> str | None:
    """Return an error's number as a text; 0 says that there was no error."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9 else value
    if not isinstance(text, str) or not text.removeprefix("-").isdecimal() or not text.isascii():
        return None
    return text if text.strip("-0") else None


def read_refusal(answer: Answer) -> PausedError | None:
    """Return the error that stops a whole recall when this answer, to any kind of call, is one."""
    code, message = error_of(answer)
    errcode = errcode_of(answer)
    answered = f"DingTalk said {code}: {message}"
    if code.endswith("ApiCountLimitForOrg") or errcode == _QUOTA_ERRCODE:
        return pauses.quota_used_up(answered)
    if code.endswith("IpNotInWhiteList") or errcode == _ADDRESS_ERRCODE:
        return pauses.address_not_allowed(answered)
    if code == "invalidClientIdOrSecret":
        return pauses.wrong_credentials(answered)
    if answer.status == 403 or errcode == _PERMISSION_ERRCODE:
        return pauses.permission_missing(answered, _required_scopes(answer))
    return None


def is_throttled(answer: Answer) -> bool:
    """Say whether the answer means "too fast"; a 403 can mean that or "forbidden", the code decides."""
    code, _ = error_of(answer)
    lowered = code.lower()
    return (
        answer.status in (429, 503)
        or errcode_of(answer) in _THROTTLED_ERRCODES
        or (answer.status == 403 and ("qpslimit" in lowered or "qpmlimit" in lowered))
        or (answer.status == 400 and ("too.fast" in lowered or "toofast" in lowered))
    )


def is_token_refused(answer: Answer) -> bool:
    """Say whether the access token is expired or wrong: a 400 in practice, a 401 at times."""
    if answer.status == 401 or errcode_of(answer) in _TOKEN_ERRCODES:
        return True
    return answer.status == 400 and error_of(answer)[0] in _TOKEN_CODES


def read_proxy(answer: Answer) -> PausedError | None:
    """Return the error that stops a recall when a proxy answered in DingTalk's place: with a login, or a refusal.

    What DingTalk answers has the id of its request, its pages too.
    """
    if answer.request_id is not None or not (answer.proxy or answer.status in _PROXY_STATUSES):
        return None
    is_page = answer.text.lstrip()[:1] == "<" and answer.status < 500
    if not is_page and answer.status not in _PROXY_STATUSES and not 300 <= answer.status < 400:
        return None
    return pauses.proxy_refuses(answer.proxy or "on the way", f"{answer.status} {beginning_of(answer)}".rstrip())


def beginning_of(answer: Answer) -> str:
    """Return the title of a page, or else how a text begins."""
    title = _TITLE.search(answer.text)
    return storable(" ".join((title[1] if title else answer.text).split())[:200])


def _required_scopes(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    detail = body.get("accessdenieddetail") or body.get("AccessDeniedDetail")
    scopes = detail.get("requiredScopes") if isinstance(detail, Mapping) else None
    if not isinstance(scopes, list) or not scopes:
        return "qyapi_robot_sendmsg"
    return ", ".join(storable(scope) for scope in scopes)
