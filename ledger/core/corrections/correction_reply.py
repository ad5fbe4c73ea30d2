"""Reading what the API answered to one send of a correction: it is never taken for not sent unless that is certain.

Source: open.dingtalk.com, "send one-on-one bot messages in batches" (its answer and its errors).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger.core.answer import Answer, NoAnswer, error_of
from ledger.core.bodies import ids_of
from ledger.core.corrections.correction import SendOutcome
from ledger.core.limits import storable
from ledger.core.recalls import pauses
from ledger.core.recalls.reply import Reading, Verdict, read_whole
from ledger.core.recording.capture import UNDELIVERED
from ledger.errors import PausedError

# Too many people were written to for the moment; how long it lasts, no page says.
_PEOPLE_SECONDS = 60.0
_TOO_MANY = {"too.many.people", "too.many.group"}
# These speak of somebody in the call: alone, they are told from the others.
_OF_PEOPLE = {"staffId.notExisted", "illegal.receivers", "receivers.exceed", "invalidParameter.userIds.overMax"}
# These speak of what is said: every other call would be refused as well, also after a while.
_OF_TEXT = (
    *("contain.", "invalidParameter.msgParam", "invalidParameter.msgKey", "msgKey.", "msgParam."),
    *("template.", "resource.not.found"),
)
# These speak of the robot, which may not write to people one by one.
_OF_ROBOT = (
    *("robot.oto.notExist", "chatbotId.notAllow.sendOTO", "send.forbidden", "invalidParameter.robotCode"),
    *("bot.stopped", "not.allowed.robotCode"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReading:
    """What became of one send: an `outcome`, or None when it certainly did not go out and may be asked again.

    `undelivered` are those of its people whom DingTalk names as not reached, by why. `reading` says what it means for
    the pace and for the correction as a whole.
    """

    reading: Reading
    outcome: SendOutcome | None = None
    key: str | None = None
    undelivered: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read_send(answer: Answer | NoAnswer, people: Sequence[str]) -> SendReading:
    """Read the answer to a send to some people."""
    whole = read_whole(answer)
    if whole is not None:
        return SendReading(reading=whole, outcome=SendOutcome.UNKNOWN if whole.may_have_worked else None)
    assert isinstance(answer, Answer)  # noqa: S101  (its absence speaks of the whole call)
    return _read_sent(answer, people) if answer.status == 200 else _read_refused(answer, people)


def _read_sent(answer: Answer, people: Sequence[str]) -> SendReading:
    body = answer.body if isinstance(answer.body, Mapping) else {}
    key = body.get("processQueryKey")
    if not isinstance(key, str) or not key:
        reason = storable(f"a 200 that has no processQueryKey: {answer.text[:200]}")
        reading = Reading(verdict=Verdict.TROUBLE, code="no_result", reason=reason, may_have_worked=True)
        return SendReading(reading=reading, outcome=SendOutcome.UNKNOWN)
    missed: dict[str, Sequence[str]] = {}
    left = list(people)
    for why, name in UNDELIVERED.items():
        named = set(ids_of(body.get(name)))
        if found := [one for one in left if one in named]:
            missed[why], left = found, [one for one in left if one not in named]
    reading = Reading(verdict=Verdict.ANSWERED)
    return SendReading(reading=reading, outcome=SendOutcome.SENT, key=storable(key), undelivered=missed)


def _read_refused(answer: Answer, people: Sequence[str]) -> SendReading:
    code, message = error_of(answer)
    reading = Reading(verdict=Verdict.ANSWERED, code=code, reason=message)
    if code in _TOO_MANY:
        return SendReading(reading=replace(reading, verdict=Verdict.THROTTLED, wait_seconds=_PEOPLE_SECONDS))
    if code in _OF_PEOPLE:
        if len(people) == 1:
            return SendReading(reading=reading, outcome=SendOutcome.REFUSED)
        return SendReading(reading=replace(reading, verdict=Verdict.SPLIT), outcome=SendOutcome.SPLIT)
    return SendReading(reading=replace(reading, verdict=Verdict.PAUSE, error=_pause(code, f"{code}: {message}")))


def _pause(code: str, answered: str) -> PausedError:
    if code.startswith(_OF_TEXT):
        return pauses.text_refused(answered)
    if code.startswith(_OF_ROBOT):
        return pauses.robot_refused(answered)
    return pauses.send_refused(answered)
