"""Rows of any content: whatever the ledger takes, every reader can read, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.recalls.selection import select
from ledger.entrypoints.formats.history_csv import written_as_csv
from ledger.errors import InvalidMessageError, LedgerError
from tests.core.values import Json, junk
from tests.fuzzing import fuzzed

MOMENTS = ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-01T12:00:00+23:59"]
TEXTS = st.text(min_size=1, max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "'; --", "{}", "%s", "\x1b[2J", "\n", "=1+1", "a" * 256]
)
USERS = st.lists(TEXTS, max_size=4)
ROWS = st.fixed_dictionaries(
    {"processQueryKey": TEXTS, "robotCode": TEXTS},
    optional={
        "sentAt": st.sampled_from(MOMENTS) | st.integers(-100_000, 290).map(lambda seconds: seconds) | junk(),
        "userIds": USERS | junk(),
        "campaign": TEXTS | junk(),
        "openConversationId": TEXTS | junk(),
        "source": TEXTS | junk(),
        "chat": st.sampled_from(["one_to_one", "group", "private"]) | junk(),
        "undelivered": st.dictionaries(TEXTS, USERS, max_size=2) | junk(),
    },
)


def timed(row: dict[str, Any], clock: FakeClock) -> dict[str, Any]:
    """Return a row, sent so many seconds from now when that is what it says."""
    seconds = row.get("sentAt", 0)
    if not isinstance(seconds, int) or abs(seconds) > 10**6:
        return row
    return {**row, "sentAt": format_time(clock.now() + timedelta(seconds=seconds))}


def read_everything(book: Ledger) -> None:
    """Ask every reader for everything, and for each campaign, robot, user and key by itself."""
    for line in book.campaigns():
        line.to_json()
    page = book.parts.pages.messages(select(), limit=1000)
    for message in page.values:
        message.to_json()
        parts: list[dict[str, Any]] = [{"keys": [message.process_query_key]}, {"robot": message.robot_code}]
        parts += [{"campaign": message.campaign}] if message.campaign else []
        parts += [{"users": list(message.recipients)}] if message.recipients else []
        for part in parts:
            plan = book.plan(reason="look", include_shared=True, **part)
            plan.to_json()
            report = book.show(plan.recall_id)
            report.to_json()
            assert sum(len(piece) for piece in written_as_csv(report.items, iter(()))) > 0
    for item in book.history():
        item.to_json()


@fuzzed(10)
@given(rows=st.lists(ROWS | junk(), max_size=3))
@example(rows=[{"processQueryKey": "k1", "robotCode": "r", "sentAt": moment} for moment in MOMENTS])
@example(rows=[{"processQueryKey": "k2", "robotCode": "r", "campaign": "\ud800", "undelivered": {"\x00": ["u"]}}])
def test_whatever_row_is_taken_every_reader_can_read_it(book: Ledger, clock: FakeClock, rows: list[Json]) -> None:
    given_rows = [timed(row, clock) for row in rows if isinstance(row, dict)]
    imported = book.record_many(given_rows)
    assert imported.recorded + imported.duplicates + imported.rejected_count == len(given_rows)
    try:
        book.run(book.plan(until=clock.now() + timedelta(hours=1), reason="all", include_shared=True))
    except LedgerError as error:
        assert error.code in ("nothing_eligible", "wrong_state")  # noqa: PT017
    read_everything(book)


@pytest.mark.parametrize("sent_at", [moment for moment in MOMENTS if not moment.startswith("2026")])
def test_a_time_out_of_all_reason_is_refused_at_every_door(book: Ledger, sent_at: str) -> None:
    with pytest.raises(InvalidMessageError, match=r"out of all reason|not a time"):
        book.record(process_query_key="k", robot_code="r", sent_at=sent_at)
    imported = book.record_many([{"processQueryKey": "k", "robotCode": "r", "sentAt": sent_at}])
    assert imported.rejected_count == 1


def test_what_is_older_than_thirty_days_is_taken_as_history_alone(book: Ledger, clock: FakeClock) -> None:
    from ledger.services.recording.rows import Defaults, Line

    row = {"processQueryKey": "k", "robotCode": "r", "sentAt": format_time(clock.now() - timedelta(days=31))}
    with pytest.raises(InvalidMessageError, match="more than 30 days ago"):
        book.record(process_query_key="k", robot_code="r", sent_at=row["sentAt"])
    assert book.record_many([row]).rejected_count == 1
    *_, last = book.parts.recorder.import_lines([Line(number=1, fields=row)], Defaults(of_history=True))
    assert last.recorded == 1


def test_messages_whose_recipients_nobody_knows_are_shown_as_such_and_recalled_by_campaign_and_key(
    book: Ledger,
) -> None:
    rows: list[dict[str, Any]] = [
        {"processQueryKey": "k1", "campaign": "spring"},
        {"processQueryKey": "k2", "campaign": "spring", "userIds": ["ann"]},
        {"processQueryKey": "k3", "campaign": "spring", "openConversationId": "cid"},
        {"processQueryKey": "k4", "campaign": "spring", "undelivered": {"invalid": ["bob"]}},
    ]
    book.record_many([{**row, "robotCode": "r"} for row in rows], sent_at=book.parts.clock.now())
    (line,) = book.campaigns()
    assert (line.messages, line.recipients_unknown) == (4, 1)
    (check,) = (one for one in book.parts.examine() if one.name == "recipients")
    assert (check.level, "1 message whose recipients are not known" in check.found) == ("warning", True)
    assert book.plan(campaign="spring", reason="x").eligible == 4
    assert book.plan(keys=["k1"], reason="x").eligible == 1


def test_a_private_message_is_recorded_by_its_chat(book: Ledger) -> None:
    book.record(process_query_key="k", robot_code="r", open_conversation_id="cid", chat="private")
    (message,) = book.parts.pages.messages(select(), limit=10).values
    assert message.chat == "private"
