"""What is kept of what a message says: the title, or the first letters, in one line."""

import json

import pytest

from ledger.core.recording.capture import asked_of, capture
from ledger.core.recording.excerpt import MOST_CHARACTERS, excerpt_of, shortened_excerpt
from ledger.core.recording.row import Row, row_of
from tests.core.values import NOW


@pytest.mark.parametrize(
    ("param", "excerpt"),
    [
        ({"content": "Hello\n  everybody"}, "Hello everybody"),
        ({"title": "Spring sale", "text": "# Spring sale\n20 % off"}, "Spring sale"),
        ({"title": "", "text": "only a text"}, "only a text"),
        ({"title": "Pay", "text": "now", "singleTitle": "Open", "singleURL": "https://x"}, "Pay"),
        ({"photoURL": "https://x/y.png"}, None),
        ({"content": "春" * 100}, "春" * (MOST_CHARACTERS - 1) + "…"),
        ({"content": "a" * 80}, "a" * 80),
        ({"content": 7}, None),
        ({"content": "half \ud83d of a pair\x00"}, "half"),
        ("no JSON {", None),
        (None, None),
    ],
)
def test_it_is_read_from_what_robots_send(param: object, excerpt: str | None) -> None:
    written = json.dumps(param) if isinstance(param, dict) else param
    found = excerpt_of({"msgKey": "sampleText", "msgParam": written})
    assert found == excerpt if excerpt != "half" else (found or "").startswith("half")
    # As a sender may have it before it is written.
    if isinstance(param, dict):
        assert excerpt_of({"msgParam": param}) == found


@pytest.mark.parametrize(
    "card",
    [
        {"cardParamMap": {"title": "Please sign", "other": "x"}},
        {"cardParamMap": json.dumps({"title": "Please sign"})},
        json.dumps({"title": "Please sign"}),
    ],
)
def test_it_is_read_from_cards(card: object) -> None:
    assert excerpt_of({"cardData": card}) == "Please sign"


def test_of_a_request_nothing_that_it_says_is_recorded_unless_that_is_wanted() -> None:
    body = {"robotCode": "r", "userIds": ["a"], "msgKey": "sampleText", "msgParam": '{"content":"a secret"}'}
    assert "secret" not in json.dumps(asked_of(body))
    assert asked_of(body, keeps_excerpt=True) == {"robotCode": "r", "userIds": ["a"], "excerpt": "a secret"}


def test_a_captured_send_has_it_and_a_row_carries_it() -> None:
    message = capture(
        method="POST",
        url="https://api.dingtalk.com/v1.0/robot/oToMessages/batchSend",
        request_body={"robotCode": "r", "userIds": ["a"], "msgParam": '{"title":"Spring","text":"x"}'},
        response_body={"processQueryKey": "k"},
        sent_at=NOW,
    )
    assert message is not None
    assert message.excerpt == "Spring"
    assert Row.read(row_of(message)).to_message() == message


@pytest.mark.parametrize("given", [None, "", " ", 7, ["x"], {"a": 1}])
def test_a_row_is_not_refused_over_an_excerpt_that_is_none(given: object) -> None:
    row = Row.read({"processQueryKey": "k", "robotCode": "r", "sentAt": NOW, "excerpt": given})
    assert row.to_message().excerpt is None


def test_a_long_text_is_not_read_whole() -> None:
    assert shortened_excerpt("x " * 10_000_000) == "x " * 39 + "x…"
