"""What a send call leaves behind: a message, a trace, or nothing."""

from dataclasses import replace

import pytest

from ledger.core.limits import NAME_MAX_CHARACTERS
from ledger.core.recording.capture import SEND_PATHS, Exchange, answered_of, asked_of, outcomes_of, path_of
from ledger.core.recording.message import Chat, KeylessSend, Message
from ledger.errors import InvalidMessageError

from .values import NOW

ASKED = {"robotCode": "dingbot", "userIds": ["u1", "u2"], "msgKey": "sampleText", "msgParam": '{"content":"secret"}'}
SENT = Exchange(id="e1", path=path_of(Chat.ONE_TO_ONE), asked=asked_of(ASKED), sent_at=NOW, campaign="spring")


def outcome_of(exchange: Exchange) -> Message | KeylessSend | None:
    """Return the one thing that a robot message leaves behind."""
    left = outcomes_of(exchange)
    assert len(left) <= 1
    return left[0] if left else None


def test_an_answer_with_a_key_leaves_a_message() -> None:
    answered = answered_of('{"processQueryKey":"k+/=","invalidStaffIdList":["u2"]}')
    message = outcome_of(replace(SENT, status=200, answered=answered))
    assert isinstance(message, Message)
    assert (message.process_query_key, message.recipients, message.campaign) == ("k+/=", ("u1",), "spring")
    assert message.undelivered == {"invalid": ("u2",)}


@pytest.mark.parametrize(
    ("status", "trouble"), [(None, "ReadTimeout"), (None, None), (200, None), (500, None), (503, None), (204, None)]
)
def test_a_send_that_may_have_gone_out_without_a_key_leaves_a_trace(status: int | None, trouble: str | None) -> None:
    trace = outcome_of(replace(SENT, status=status, trouble=trouble))
    assert isinstance(trace, KeylessSend)
    assert (trace.trace, trace.robot_code, trace.recipients, trace.chat) == (
        "e1",
        "dingbot",
        ("u1", "u2"),
        Chat.ONE_TO_ONE,
    )
    assert trouble is None or trace.why == trouble


@pytest.mark.parametrize("status", [301, 400, 403, 404, 429])
def test_a_refusal_leaves_nothing(status: int) -> None:
    assert outcome_of(replace(SENT, status=status)) is None


def test_a_refusal_that_names_a_key_all_the_same_leaves_its_message() -> None:
    assert isinstance(outcome_of(replace(SENT, status=400, answered={"processQueryKey": "k"})), Message)


def test_what_is_no_send_leaves_nothing() -> None:
    assert outcome_of(replace(SENT, path="/v1.0/robot/otoMessages/batchRecall")) is None


def test_what_the_message_says_is_never_kept() -> None:
    assert asked_of(ASKED) == {"robotCode": "dingbot", "userIds": ["u1", "u2"]}
    assert answered_of(b'{"processQueryKey":"k","more":1}') == {"processQueryKey": "k"}
    assert asked_of(b"\xff not json") == asked_of(None) == {}


def test_a_tag_that_is_too_long_or_odd_does_not_cost_the_key() -> None:
    odd = replace(SENT, status=200, answered={"processQueryKey": "k"}, campaign="x\x00" * 500, source="\ud800")
    message = outcome_of(odd)
    assert isinstance(message, Message)
    assert message.campaign == "x" * NAME_MAX_CHARACTERS
    assert message.source == "?"


def test_a_key_that_cannot_be_one_is_told_apart_from_nothing() -> None:
    with pytest.raises(InvalidMessageError, match="processQueryKey"):
        outcome_of(replace(SENT, asked={}, status=200, answered={"processQueryKey": "k" * 2000}))


def test_every_kind_of_chat_has_one_path() -> None:
    assert {path_of(chat) for chat in Chat} == set(SEND_PATHS)
