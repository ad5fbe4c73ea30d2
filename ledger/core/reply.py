"""Reading what the API answered to one recall call: a verdict on the call, and what it says of each key.

Sources: open.dingtalk.com, the pages of the three recall calls, "error codes" and "call frequency limits".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.core import pauses
from ledger.core.limits import storable
from ledger.core.recall import Outcome
from ledger.errors import PausedError

BAN_SECONDS = 300.0
BAN_STATUS = 1111
THROTTLE_SECONDS = 1.0
NOT_SENT = "not_sent"
# How the reason of a missing answer begins when a proxy stands between.
THROUGH_PROXY = "through the proxy "


_TITLE = re.compile(r"<title>([^<]+)</title>", re.IGNORECASE)


class Verdict(StrEnum):
    """What one call's answer means for the call as a whole."""

    ANSWERED = "answered"  # every key has its own reading
    SPLIT = "split"  # some key spoils the call: ask again in smaller calls
    THROTTLED = "throttled"  # too fast: wait, then go on slower
    TROUBLE = "trouble"  # the server or the network failed: ask again later
    RENEW = "renew"  # the token ended: get a new one and ask again
    BANNED = "banned"  # this address is shut out for a while
    PAUSE = "pause"  # somebody has to fix something first


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReading:
    """What the answer says of one key: an outcome with the API's own code and reason."""

    outcome: Outcome
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The verdict on a call. `may_have_worked` says that the messages could be gone although nobody said so.

    `is_documented` is False for a refusal with a code that no page explains.
    """

    verdict: Verdict
    keys: Mapping[str, KeyReading] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()
    code: str | None = None
    reason: str | None = None
    wait_seconds: float = 0.0
    may_have_worked: bool = False
    is_documented: bool = True
    error: PausedError | None = None


_KEY_OUTCOMES = {
    "notRevoke.all.messages": Outcome.PARTIAL,
    "robot.processQueryKey.expired": Outcome.EXPIRED,
}
# The documented codes that speak of some key of the call.
_KEY_CODES = {
    *_KEY_OUTCOMES,
    "invalid.processQueryKey",
    "not.allowed.robotCode",
    "invalidParameter.processQueryKey.missing",
    "invalidParameter.processQueryKeys.overMax",
}
_TOKEN_CODES = {"InvalidAuthentication", "invalidAccessToken"}
# These 400s speak of the whole call, so that no smaller call would fare better.
_CALL_CODES = {"invalidParameter.robotCode"}
# A proxy asks for a login of its own with these; only a network's own gate does so with the second.
_PROXY_STATUSES = {407, 511}
# A page with one of these comes from an address that is no endpoint, not from a ban.
_NOT_THERE = {301, 302, 303, 307, 308, 404, 410}


def read(answer: Answer | NoAnswer, keys: Sequence[str]) -> Reading:
    """Read the answer to a recall call for `keys`; whatever came, it never claims a success that nobody stated."""
    if isinstance(answer, NoAnswer):
        return Reading(
            verdict=Verdict.TROUBLE,
            code="no_answer" if answer.sent else NOT_SENT,
            reason=answer.reason,
            may_have_worked=answer.sent,
        )
    if error := read_proxy(answer):
        return Reading(verdict=Verdict.PAUSE, code=error.code, reason=_beginning(answer), error=error)
    if _is_ban(answer):
        return _read_ban(answer)
    if answer.status == 200:
        return _read_success(answer, keys)
    return _read_error(answer, keys)


def error_of(answer: Answer) -> tuple[str, str]:
    """Return the code and message of an error body; some pages write the field names with a capital."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    code = body.get("code") or body.get("Code") or f"http_{answer.status}"
    message = body.get("message") or body.get("Message") or answer.text[:200]
    return storable(code), storable(message)


def read_refusal(answer: Answer) -> PausedError | None:
    """Return the error that stops a whole recall when this answer, to any kind of call, is one."""
    code, message = error_of(answer)
    answered = f"DingTalk said {code}: {message}"
    if code.endswith("ApiCountLimitForOrg"):
        return pauses.quota_used_up(answered)
    if code.endswith("IpNotInWhiteList"):
        return pauses.address_not_allowed(answered)
    if code == "invalidClientIdOrSecret":
        return pauses.wrong_credentials(answered)
    if answer.status == 403:
        return pauses.permission_missing(answered, _required_scopes(answer))
    return None


def read_proxy(answer: Answer) -> PausedError | None:
    """Return the error that stops a recall when a proxy answered in DingTalk's place: with a login, or a refusal.

    What DingTalk answers has the id of its request, its pages too.
    """
    if answer.request_id is not None or not (answer.proxy or answer.status in _PROXY_STATUSES):
        return None
    is_page = answer.text.lstrip()[:1] == "<" and answer.status < 500
    if not is_page and answer.status not in _PROXY_STATUSES and not 300 <= answer.status < 400:
        return None
    return pauses.proxy_refuses(answer.proxy or "on the way", f"{answer.status} {_beginning(answer)}".rstrip())


def is_throttled(answer: Answer) -> bool:
    """Say whether the answer means "too fast"; a 403 can mean that or "forbidden", the code decides."""
    code, _ = error_of(answer)
    lowered = code.lower()
    return (
        answer.status in (429, 503)
        or (answer.status == 403 and ("qpslimit" in lowered or "qpmlimit" in lowered))
        or (answer.status == 400 and ("too.fast" in lowered or "toofast" in lowered))
    )


def is_token_refused(answer: Answer) -> bool:
    """Say whether the access token is expired or wrong: a 400 in practice, a 401 at times."""
    return answer.status == 401 or (answer.status == 400 and error_of(answer)[0] in _TOKEN_CODES)


def _beginning(answer: Answer) -> str:
    """Return the title of a page, or else how a text begins."""
    title = _TITLE.search(answer.text)
    return storable(" ".join((title[1] if title else answer.text).split())[:200])


def _is_ban(answer: Answer) -> bool:
    if isinstance(answer.body, Mapping):
        return answer.body.get("status") == BAN_STATUS or answer.body.get("punish") == "deny"
    return answer.status < 500 and answer.status not in _NOT_THERE and answer.text.lstrip()[:1] == "<"


def _read_ban(answer: Answer) -> Reading:
    minutes = answer.body.get("wait") if isinstance(answer.body, Mapping) else None
    wait = float(minutes) * 60 if isinstance(minutes, (int, float)) and 0 < minutes <= 60 else BAN_SECONDS
    return Reading(verdict=Verdict.BANNED, code="banned", reason=storable(answer.text[:200]) or None, wait_seconds=wait)


def _read_success(answer: Answer, keys: Sequence[str]) -> Reading:
    body = answer.body
    if not isinstance(body, Mapping) or not ("successResult" in body or "failedResult" in body):
        return Reading(
            verdict=Verdict.TROUBLE,
            code="no_result",
            reason=storable(f"a 200 that names no result: {answer.text[:200]}"),
            may_have_worked=True,
        )
    succeeded = body.get("successResult") or ()
    failed = body.get("failedResult") or {}
    if isinstance(succeeded, str) or not isinstance(succeeded, Sequence) or not isinstance(failed, Mapping):
        succeeded, failed = (), {}
    return Reading(verdict=Verdict.ANSWERED, keys={key: _read_key(key, succeeded, failed) for key in keys})


def _read_key(key: str, succeeded: Sequence[Any], failed: Mapping[Any, Any]) -> KeyReading:
    if (key in succeeded) == (key in failed):
        said = (
            "both in successResult and failedResult" if key in failed else "in neither successResult nor failedResult"
        )
        return KeyReading(outcome=Outcome.UNKNOWN, code="not_stated", reason=f"the answer has the key {said}")
    if key in succeeded:
        return KeyReading(outcome=Outcome.RECALLED)
    reason = storable(failed[key])
    return KeyReading(outcome=_KEY_OUTCOMES.get(reason, Outcome.REFUSED), code="failedResult", reason=reason)


def _read_error(answer: Answer, keys: Sequence[str]) -> Reading:
    code, message = error_of(answer)
    if is_throttled(answer):
        busy = answer.status == 503
        return Reading(
            verdict=Verdict.THROTTLED,
            code=code,
            reason=message,
            wait_seconds=THROTTLE_SECONDS,
            may_have_worked=busy,
        )
    if is_token_refused(answer):
        return Reading(verdict=Verdict.RENEW, code=code, reason=message)
    if answer.status >= 500 or answer.status == 408:
        return Reading(verdict=Verdict.TROUBLE, code=code, reason=message, may_have_worked=True)
    if error := read_refusal(answer):
        return Reading(verdict=Verdict.PAUSE, code=code, reason=message, error=error)
    if answer.status != 400:
        error = pauses.wrong_endpoint(answer.status, f"{code}: {message}")
        return Reading(verdict=Verdict.PAUSE, code=code, reason=message, error=error)
    if len(keys) > 1 and code not in _CALL_CODES:
        suspects = tuple(key for key in keys if key in message)
        documented = code in _KEY_CODES
        return Reading(verdict=Verdict.SPLIT, code=code, reason=message, suspects=suspects, is_documented=documented)
    outcome = _KEY_OUTCOMES.get(code, Outcome.REFUSED)
    return Reading(
        verdict=Verdict.ANSWERED,
        code=code,
        reason=message,
        keys={key: KeyReading(outcome=outcome, code=code, reason=message) for key in keys},
    )


def _required_scopes(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    detail = body.get("accessdenieddetail") or body.get("AccessDeniedDetail")
    scopes = detail.get("requiredScopes") if isinstance(detail, Mapping) else None
    if not isinstance(scopes, list) or not scopes:
        return "qyapi_robot_sendmsg"
    return ", ".join(storable(scope) for scope in scopes)
