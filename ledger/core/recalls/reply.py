"""Reading what the API answered to one recall call: a verdict on the call, and what it says of each key.

Sources: open.dingtalk.com, the pages of the three recall calls, "error codes" and "call frequency limits".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ledger.core.answer import (
    Answer,
    NoAnswer,
    beginning_of,
    errcode_of,
    error_of,
    is_throttled,
    is_token_refused,
    read_proxy,
    read_refusal,
)
from ledger.core.key_results import KEY_OUTCOMES, KeyReading, read_keys
from ledger.core.limits import storable
from ledger.core.recalls import pauses
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.unsent import NOT_SENT
from ledger.errors import PausedError

BAN_SECONDS = 300.0
BAN_STATUS = 1111
THROTTLE_SECONDS = 1.0
# Our own words before what an answer without a result says.
NO_RESULT = "a 200 that names no result: "


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

    @property
    def is_free(self) -> bool:
        """Whether the call costs nothing of the month's quota: it never left, or was refused before it counted."""
        return self.verdict in (Verdict.THROTTLED, Verdict.BANNED) or self.code == NOT_SENT


# The documented codes that speak of some key of the call.
_KEY_CODES = {
    *KEY_OUTCOMES,
    "invalid.processQueryKey",
    "not.allowed.robotCode",
    "invalidParameter.processQueryKey.missing",
    "invalidParameter.processQueryKeys.overMax",
}
# These 400s speak of the whole call, so that no smaller call would fare better.
_CALL_CODES = {"invalidParameter.robotCode"}
# A page with one of these comes from an address that is no endpoint, not from a ban.
_NOT_THERE = {301, 302, 303, 307, 308, 404, 410}


def read(answer: Answer | NoAnswer, keys: Sequence[str]) -> Reading:
    """Read the answer to a recall call for `keys`; whatever came, it never claims a success that nobody stated."""
    whole = read_whole(answer)
    if whole is not None:
        return whole
    assert isinstance(answer, Answer)  # noqa: S101  (its absence speaks of the whole call)
    return _read_success(answer, keys) if answer.status == 200 else _read_refused(answer, keys)


def read_inquiry(answer: Answer | NoAnswer) -> Reading:
    """Read the answer to a question about a message: ANSWERED also when it says, in `code`, that it does not tell."""
    whole = read_whole(answer)
    if whole is not None:
        return whole
    assert isinstance(answer, Answer)  # noqa: S101  (its absence speaks of the whole call)
    if answer.status == 200:
        return Reading(verdict=Verdict.ANSWERED if isinstance(answer.body, Mapping) else Verdict.TROUBLE)
    code, message = error_of(answer)
    return Reading(verdict=Verdict.ANSWERED, code=code, reason=message)


def read_whole(answer: Answer | NoAnswer) -> Reading | None:
    """Read what concerns a call as a whole, whatever it asked for; None for a 200, and for a 400 with a reason.

    What these say depends on what was asked.
    """
    if isinstance(answer, NoAnswer):
        return Reading(
            verdict=Verdict.TROUBLE,
            code="no_answer" if answer.sent else NOT_SENT,
            reason=answer.reason,
            may_have_worked=answer.sent,
        )
    if error := read_proxy(answer):
        return Reading(verdict=Verdict.PAUSE, code=error.code, reason=beginning_of(answer), error=error)
    if _is_ban(answer):
        return _read_ban(answer)
    return None if answer.status == 200 and errcode_of(answer) is None else _read_error(answer)


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
            reason=storable(f"{NO_RESULT}{answer.text[:200]}"),
            may_have_worked=True,
        )
    return Reading(verdict=Verdict.ANSWERED, keys=read_keys(keys, body.get("successResult"), body.get("failedResult")))


def _read_error(answer: Answer) -> Reading | None:
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
    if answer.status == 200:
        # An error of the older API that no page of these calls explains: it may pass, and nobody says what it did.
        return Reading(verdict=Verdict.TROUBLE, code=code, reason=message, may_have_worked=True)
    if answer.status != 400:
        error = pauses.wrong_endpoint(answer.status, f"{code}: {message}")
        return Reading(verdict=Verdict.PAUSE, code=code, reason=message, error=error)
    return None


def _read_refused(answer: Answer, keys: Sequence[str]) -> Reading:
    code, message = error_of(answer)
    if len(keys) > 1 and code not in _CALL_CODES:
        suspects = tuple(key for key in keys if key in message)
        documented = code in _KEY_CODES
        return Reading(verdict=Verdict.SPLIT, code=code, reason=message, suspects=suspects, is_documented=documented)
    outcome = KEY_OUTCOMES.get(code, Outcome.REFUSED)
    return Reading(
        verdict=Verdict.ANSWERED,
        code=code,
        reason=message,
        keys={key: KeyReading(outcome=outcome, code=code, reason=message) for key in keys},
    )
