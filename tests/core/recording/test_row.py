"""Rows that people hand in: what is accepted, and that nothing but InvalidMessageError ever comes out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.limits import KEY_MAX_CHARACTERS, RECIPIENTS_MAX
from ledger.core.recording.message import Chat, Message
from ledger.core.recording.row import EARLIEST, LATEST, Row, row_of
from ledger.errors import InvalidMessageError
from tests.core.values import Json, junk

VALID: dict[str, Any] = {
    "processQueryKey": "36UIw+aqvER/Fb2EFX1zai5p/iAEPPBvhf19pvwS89s=",
    "robotCode": "dingbot",
    "sentAt": "2026-03-04T10:00:00+08:00",
    "userIds": ["u1", "u2"],
}
NAMES = (
    *VALID,
    "campaign",
    "openConversationId",
    "source",
    "chat",
    "undelivered",
    "process_query_key",
    "user_ids",
    "sent_at",
)


def a_message(**fields: object) -> Message:
    """Return the message of a valid row with these changes."""
    return Row.read({**VALID, **fields}).to_message()


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), junk(), max_size=6), st.booleans())
@example({"sentAt": "0001-01-01T00:00:00+14:00"}, True)
@example({"sentAt": "9999-12-31T23:59:59-14:00"}, True)
@example({"userIds": None}, True)
@example({"userIds": [["u1"], {}, None, 5]}, True)
@example({"processQueryKey": 10**5000, "robotCode": ["r"]}, True)
@example({"chat": {}, "undelivered": [["invalid", ["u1"]]]}, True)
def test_whatever_is_handed_in_is_a_message_or_an_invalid_one(fields: dict[str, Json], valid: bool) -> None:
    try:
        message = Row.read({**(VALID if valid else {}), **fields}).to_message()
    except InvalidMessageError:
        return
    texts = [message.process_query_key, message.robot_code, *message.recipients]
    assert all(0 < len(text) <= KEY_MAX_CHARACTERS and "\x00" not in text for text in texts)
    assert "".join(texts).encode("utf-8")
    assert message.sent_at.tzinfo is UTC


@given(junk())
def test_a_row_that_is_no_object_is_invalid(value: Json) -> None:
    wrapped: Any = value
    if not isinstance(value, dict):
        with pytest.raises(InvalidMessageError):
            Row.read(wrapped)


def test_a_full_row_becomes_the_message() -> None:
    message = a_message(campaign="spring", source="hr", undelivered={"invalid": ["u9"]})
    assert message == Message(
        process_query_key=VALID["processQueryKey"],
        robot_code=VALID["robotCode"],
        sent_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
        chat=Chat.ONE_TO_ONE,
        campaign=message.campaign,
        source="hr",
        recipients=message.recipients,
        undelivered=message.undelivered,
    )
    assert (message.campaign, message.recipients) == ("spring", ("u1", "u2"))
    assert {why: tuple(users) for why, users in message.undelivered.items()} == {"invalid": ("u9",)}


def test_wire_names_and_python_names_mean_the_same() -> None:
    names = {
        "process_query_key": "processQueryKey",
        "robot_code": "robotCode",
        "sent_at": "sentAt",
        "user_ids": "userIds",
    }
    assert Row.read({ours: VALID[wire] for ours, wire in names.items()}).to_message() == a_message()


@pytest.mark.parametrize(
    ("key", "is_accepted"),
    [("", False), ("k", True), ("k" * 1024, True), ("k" * 1025, False), ("字" * 533, True), ("字" * 534, False)],
)
def test_a_key_has_1_to_1024_characters_and_at_most_1600_bytes(key: str, is_accepted: bool) -> None:
    if is_accepted:
        assert a_message(processQueryKey=key).process_query_key == key
    else:
        with pytest.raises(InvalidMessageError, match="processQueryKey"):
            a_message(processQueryKey=key)


@pytest.mark.parametrize("name", ["processQueryKey", "robotCode", "campaign", "source", "openConversationId"])
@pytest.mark.parametrize("text", ["a\x00b", "\x00", "a\ud800b", "\udfff"])
def test_what_a_database_cannot_hold_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"{name}.*NUL or half of a surrogate pair"):
        a_message(**{name: text})


@pytest.mark.parametrize("users", [["u\x00"], ["u1", "\ud800"]])
def test_user_ids_that_a_database_cannot_hold_are_refused(users: list[str]) -> None:
    with pytest.raises(InvalidMessageError, match=r"userIds.*NUL or half of a surrogate pair"):
        a_message(userIds=users)


@pytest.mark.parametrize("text", ["a\nb", "消息", "🙂", " ", "%00", "\\u0000"])
def test_any_other_text_is_kept_to_the_letter(text: str) -> None:
    assert a_message(processQueryKey=text, campaign=text, userIds=[text]).process_query_key == text
    assert a_message(campaign=text).campaign == text


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"userIds": None}, "userIds"),
        ({"userIds": "u1"}, "userIds"),
        ({"userIds": ["u1", 5]}, "userIds.1"),
        ({"userIds": [""]}, "userIds.0"),
        ({"userIds": ["u"] * (RECIPIENTS_MAX + 1)}, "userIds"),
        ({"robotCode": 5}, "robotCode"),
        ({"robotCode": ["r"]}, "robotCode"),
        ({"robotCode": "r" * 257}, "robotCode"),
        ({"campaign": 5}, "campaign"),
        ({"chat": "party"}, "chat"),
        ({"chat": "group"}, "needs its openConversationId"),
        ({"chat": "private"}, "needs its openConversationId"),
        ({"chat": "one_to_one", "openConversationId": "cid"}, "no openConversationId"),
        ({"undelivered": ["u1"]}, "undelivered"),
        ({"sentAt": "2026-03-04T10:00:00"}, "has no zone"),
        ({"sentAt": "yesterday"}, "is not a time"),
        ({"sentAt": 1772589600}, "2026-03-01T10:00:00"),
        ({"sentAt": "0001-01-01T00:00:00+08:00"}, "is not a time"),
        ({"campain": "spring"}, "did you mean 'campaign'"),
        ({"xyzzy": 1}, "known are processQueryKey"),
    ],
)
def test_a_mistake_is_named(changes: Mapping[str, object], detail: str) -> None:
    with pytest.raises(InvalidMessageError, match=detail.replace(".", r"\.")):
        a_message(**changes)


@pytest.mark.parametrize("name", ["processQueryKey", "robotCode", "sentAt"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(InvalidMessageError, match=f"{name} is missing"):
        Row.read({field: value for field, value in VALID.items() if field != name})


def test_every_mistake_of_a_row_is_named_at_once() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        Row.read({"robotCode": 5, "userIds": 5})
    for name in ("processQueryKey", "robotCode", "sentAt", "userIds"):
        assert name in str(caught.value)


@pytest.mark.parametrize("name", ["campaign", "source", "openConversationId"])
def test_an_empty_optional_text_is_none(name: str) -> None:
    message = a_message(**{name: ""})
    assert (message.campaign, message.source, message.open_conversation_id) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "chat"),
    [
        ({}, Chat.ONE_TO_ONE),
        ({"openConversationId": "cid"}, Chat.GROUP),
        ({"openConversationId": "cid", "chat": "private"}, Chat.PRIVATE),
    ],
)
def test_a_row_with_a_conversation_is_a_group_message_unless_it_says_otherwise(
    changes: dict[str, str], chat: Chat
) -> None:
    assert a_message(**changes).chat is chat


def test_a_user_who_is_named_twice_is_one_recipient() -> None:
    assert a_message(userIds=["u2", "u1", "u2"]).recipients == ("u2", "u1")


def test_as_many_recipients_as_allowed_are_accepted() -> None:
    assert len(a_message(userIds=[f"u{n}" for n in range(RECIPIENTS_MAX)]).recipients) == RECIPIENTS_MAX


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"campaign": "spring", "source": "hr", "undelivered": {"invalid": ["u9"]}},
        {"openConversationId": "cid", "userIds": []},
        {"openConversationId": "cid", "chat": "private"},
    ],
)
def test_a_message_that_is_written_as_a_row_is_the_same_when_it_is_read(fields: dict[str, object]) -> None:
    row = row_of(a_message(**fields))
    assert Row.read(row).to_message() == a_message(**fields)
    # In wire names, without what is empty: programs of other people read it too.
    assert set(row) == {"chat", *(name for name, value in {**VALID, **fields}.items() if value)}
    assert row["sentAt"] == "2026-03-04T02:00:00Z"


@pytest.mark.parametrize(("moment", "accepted"), [(EARLIEST, True), (LATEST, False)])
def test_a_time_out_of_all_reason_is_refused_as_it_was_understood(moment: datetime, accepted: bool) -> None:
    if accepted:
        assert a_message(sentAt=moment).sent_at == moment
        moment = moment.replace(year=moment.year - 1)
    written = f"{moment:%Y-%m-%dT%H:%M:%S}Z is out of all reason: check how the time was written"
    with pytest.raises(InvalidMessageError, match=f"sentAt: {written}$"):
        a_message(sentAt=moment)
