"""Events of messages are read in every shape that DingTalk's pages show, and whatever else comes is none."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.events.message_events import (
    EventKind,
    EventPush,
    MessageEvent,
    event_of,
    facts_of_push,
    kind_of,
    push_of,
)
from ledger.core.events.stream_frames import EventStatus, answer_to_event, answer_to_ping, read_frame
from ledger.spool import lines
from ledger.spool.frames import Record

SAID = {
    "unionId": "u",
    "operatTime": "1654641965416",
    "robotCode": "dingrobot",
    "openConversationId": "cid",
    "userId": "ann",
    "processQueryKey": "a+key/=",
}
ENVELOPE = {"eventCorpId": "c", "eventType": "robot_msg_read", "eventId": "e-1", "eventBornTime": 1683533823336}
HEADERS = {"topic": "*", "messageId": "m", "eventType": "robot_msg_read", "eventId": "e-1"}
MOMENT = datetime(2022, 6, 7, 22, 46, 5, 416000, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({}, {**ENVELOPE, "data": SAID}),
        ({}, json.dumps({**ENVELOPE, "data": SAID})),
        ({}, json.dumps({**ENVELOPE, "data": json.dumps(SAID)})),
        (HEADERS, json.dumps(SAID)),
        (HEADERS, {**SAID, "operatTime": 1654641965416}),
        ({}, {"EventType": "robot_msg_read", "eventId": "e-1", **{k[0].upper() + k[1:]: v for k, v in SAID.items()}}),
        ({}, {**ENVELOPE, "data": {**SAID, "whatEverComesNext": [1], "nested": {"userId": "not this one"}}}),
    ],
)
def test_every_documented_shape_is_read_alike(headers: dict[str, Any], data: Any) -> None:
    event = event_of(headers, data)
    assert event is not None
    assert (event.event_id, event.kind, event.process_query_key) == ("e-1", EventKind.READ, "a+key/=")
    assert (event.robot_code, event.user_id, event.happened_at) == ("dingrobot", "ann", MOMENT)


@pytest.mark.parametrize(
    "left_out",
    [{"userId": None}, {"userId": 7}, {"userId": ""}, {"userId": "x" * 300}, {"userId": "a\x00"}, {"userId": "\ud800"}],
)
def test_a_user_who_cannot_be_kept_is_left_out_and_the_event_stays(left_out: dict[str, Any]) -> None:
    event = event_of({}, {**ENVELOPE, "data": {**SAID, **left_out}})
    assert event is not None
    assert event.user_id is None


@pytest.mark.parametrize("key", [None, "", 7, "k" * 1025, "\x00", "鍵" * 600])
def test_an_event_without_a_key_that_a_message_could_have_is_none(key: object) -> None:
    data = {**ENVELOPE, "data": {**SAID, "processQueryKey": key}}
    assert event_of({}, data) is None
    assert kind_of({}, data) is EventKind.READ


@pytest.mark.parametrize("moment", [None, True, "soon", -1, 0, 10**18, "9" * 30, float("nan"), [], "१२३x"])
def test_a_time_that_is_none_is_left_out(moment: object) -> None:
    event = event_of({}, {**ENVELOPE, "data": {**SAID, "operatTime": moment}})
    assert event is not None
    assert event.happened_at is None


def test_an_event_without_an_id_has_one_by_what_it_says() -> None:
    def of(**changed: Any) -> str:
        event = event_of({}, {"eventType": "robot_msg_recall", "data": {**SAID, **changed}})
        assert event is not None
        return event.event_id

    assert of() == of()
    assert len({of(), of(userId="bob"), of(processQueryKey="other"), of(operatTime="1")}) == 4


def test_what_is_of_something_else_is_no_event_of_a_message() -> None:
    assert event_of({}, {**ENVELOPE, "eventType": "user_add_org", "data": SAID}) is None
    assert kind_of({}, {**ENVELOPE, "eventType": "user_add_org"}) is None


@given(JSON, JSON, st.text() | st.binary())
def test_whatever_comes_is_a_frame_and_an_event_or_none_of_both(headers: Any, data: Any, raw: str | bytes) -> None:
    event_of(headers if isinstance(headers, dict) else {}, data)
    event_of(HEADERS, {**ENVELOPE, "data": data})
    read_frame(raw)
    frame = read_frame(json.dumps({"type": headers, "headers": data, "data": headers}))
    assert frame is not None
    assert isinstance(frame.is_over_quota, bool)
    for answer in (answer_to_ping(frame), answer_to_event(frame, EventStatus.LATER)):
        assert json.loads(answer)["headers"]["messageId"] == frame.message_id


@pytest.mark.parametrize("raw", ["[" * 100_000, '{"data": 1e999999}', '{"a": ' + "9" * 5000 + "}", b"\xff\xfe", "null"])
def test_hostile_json_is_no_frame_or_a_harmless_one(raw: str | bytes) -> None:
    frame = read_frame(raw)
    assert frame is None or event_of(frame.headers, frame.data) is None


def of_mail(event: MessageEvent | None) -> EventPush:
    return EventPush(app="mail", at=MOMENT, source="s", number=7, event=event)


def test_a_push_stands_in_a_journal_as_it_came() -> None:
    event = event_of({}, {**ENVELOPE, "data": SAID})
    for push in (of_mail(event), of_mail(None)):
        assert push_of(json.loads(json.dumps(facts_of_push(push)))) == push
        (entry,) = lines.LineReplay().add(Record(lines.push(push)))
        assert entry.push == push


@pytest.mark.parametrize("changed", [{"at": "soon"}, {"number": "many"}, {"event": {}}, {"event": {"kind": "liked"}}])
def test_a_line_that_is_no_push_is_kept_as_unreadable(changed: dict[str, Any]) -> None:
    facts = {**facts_of_push(of_mail(None)), **changed}
    (entry,) = lines.LineReplay().add(Record(json.dumps({"push": facts}).encode()))
    assert entry.unreadable is not None
