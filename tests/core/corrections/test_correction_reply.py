"""What an answer to a send means: it is taken for not sent only when that is certain."""

from typing import Any

import pytest

from ledger.core.answer import Answer, NoAnswer
from ledger.core.corrections.correction import SendOutcome
from ledger.core.corrections.correction_reply import read_send
from ledger.core.recalls.reply import Verdict

PEOPLE = ["ann", "bob", "cid"]
SENT, UNKNOWN, REFUSED, SPLIT = SendOutcome.SENT, SendOutcome.UNKNOWN, SendOutcome.REFUSED, SendOutcome.SPLIT


def error(code: str, status: int = 400, message: str = "no") -> Answer:
    return Answer(status=status, body={"code": code, "message": message, "requestid": "r"}, request_id="r")


@pytest.mark.parametrize(
    ("answer", "outcome", "verdict"),
    [
        (Answer(status=200, body={"processQueryKey": "key"}), SENT, Verdict.ANSWERED),
        (Answer(status=200, body={}), UNKNOWN, Verdict.TROUBLE),
        (Answer(status=200, body=None, text="ok"), UNKNOWN, Verdict.TROUBLE),
        (Answer(status=200, body={"errcode": 88, "errmsg": "who knows"}), UNKNOWN, Verdict.TROUBLE),
        (NoAnswer(reason="cut"), UNKNOWN, Verdict.TROUBLE),
        (NoAnswer(reason="refused", sent=False), None, Verdict.TROUBLE),
        (error("system.error", 500), UNKNOWN, Verdict.TROUBLE),
        (error("http_408", 408), UNKNOWN, Verdict.TROUBLE),
        (error("ServiceUnavailable", 503), UNKNOWN, Verdict.THROTTLED),
        (error("system.busy", 429), None, Verdict.THROTTLED),
        (error("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", 403), None, Verdict.THROTTLED),
        (error("send.too.fast"), None, Verdict.THROTTLED),
        (error("send.byToken.tooFast"), None, Verdict.THROTTLED),
        (error("too.many.people"), None, Verdict.THROTTLED),
        (error("InvalidAuthentication"), None, Verdict.RENEW),
        (error("staffId.notExisted"), SPLIT, Verdict.SPLIT),
        (error("illegal.receivers"), SPLIT, Verdict.SPLIT),
        (error("receivers.exceed"), SPLIT, Verdict.SPLIT),
        (error("contain.unsafe.url"), None, Verdict.PAUSE),
        (error("contain.notAllowed.content"), None, Verdict.PAUSE),
        (error("invalidParameter.msgParam.tooLong"), None, Verdict.PAUSE),
        (error("robot.oto.notExist"), None, Verdict.PAUSE),
        (error("chatbotId.notAllow.sendOTO"), None, Verdict.PAUSE),
        (error("send.forbidden"), None, Verdict.PAUSE),
        (error("invalidParameter.robotCode"), None, Verdict.PAUSE),
        (error("nobody.knows.this"), None, Verdict.PAUSE),
        (error("Forbidden.AccessDenied.ApiCountLimitForOrg", 403), None, Verdict.PAUSE),
        (error("InvalidAction.NotFound", 404), None, Verdict.PAUSE),
    ],
    ids=lambda value: getattr(value, "text", None) or (str(value.body) if isinstance(value, Answer) else str(value)),
)
def test_what_became_of_a_send(answer: Answer | NoAnswer, outcome: SendOutcome | None, verdict: Verdict) -> None:
    read = read_send(answer, PEOPLE)
    assert (read.outcome, read.reading.verdict) == (outcome, verdict)
    # Whoever may have got it is never asked again.
    assert read.reading.may_have_worked == (outcome is UNKNOWN)


@pytest.mark.parametrize("code", ["staffId.notExisted", "illegal.receivers", "receivers.exceed"])
def test_alone_somebody_who_spoils_a_call_is_refused(code: str) -> None:
    read = read_send(error(code, message="who is that"), ["ann"])
    assert (read.outcome, read.reading.code, read.reading.reason) == (REFUSED, code, "who is that")


@pytest.mark.parametrize(
    ("lists", "undelivered"),
    [
        ({}, {}),
        ({"invalidStaffIdList": None, "flowControlledStaffIdList": []}, {}),
        ({"invalidStaffIdList": ["ann"]}, {"invalid": ["ann"]}),
        ({"flowControlledStaffIdList": ["bob", "stranger"]}, {"flow_controlled": ["bob"]}),
        ({"filteredStaffIdList": ["cid"], "invalidStaffIdList": ["cid"]}, {"invalid": ["cid"]}),
    ],
)
def test_whom_it_did_not_reach_is_named_once_and_only_of_those_asked(
    lists: dict[str, Any], undelivered: dict[str, list[str]]
) -> None:
    read = read_send(Answer(status=200, body={"processQueryKey": "key", **lists}), PEOPLE)
    assert (read.key, read.undelivered) == ("key", undelivered)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("contain.unsafe.url", "does not take this text"),
        ("robot.oto.notExist", "one by one"),
        ("nobody.knows.this", "each refusal costs a call"),
    ],
)
def test_a_pause_says_what_to_do(code: str, says: str) -> None:
    found = read_send(error(code), PEOPLE).reading.error
    assert found is not None
    assert says in str(found)
    assert code in str(found)
