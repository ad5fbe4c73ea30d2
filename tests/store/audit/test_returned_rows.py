"""What is read back of rows just written has the digest of what a check of them reads, whatever stands in them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from ledger.core.recalls.frozen import encoded
from ledger.errors import NaiveTimeError
from ledger.store.audit.raw_rows import raw_rows, read_raw
from ledger.store.audit.returned_rows import read_returned, returned_columns, write
from ledger.store.database import Database
from ledger.store.schema import messages

COLUMNS = [messages.c[name] for name in ("id", "sent_at", "source", "recipients", "undelivered")]
written_times = st.datetimes().map(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S.%f}".rjust(26, "0"))
digits = st.text("0123456789-: .TW+Z٣\n", min_size=24, max_size=28)
others = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.binary(max_size=4) | st.text()
documents = st.sampled_from(["{}", "[]", '["ann","bob"]', '{"invalid": ["ann"]}', '"ann"', "[1,", "7", ""])
rows = st.lists(
    st.tuples(written_times | digits | others, st.text() | others, documents | others, documents | others), max_size=5
)


def encoded_rows(rows: Sequence[Sequence[Any]]) -> list[list[bytes]] | None:
    """Return rows as the history covers them; nothing when one has a time that cannot be said."""
    try:
        return [list(map(encoded, row)) for row in rows]
    except NaiveTimeError:
        return None


@given(rows)
@example([("2026-03-01 02:00:00.000000", None, "[]", "{}"), ("2026-03-01 02:00:00.000000", None, "[]", "{}")])
@example([("2026-03-01 02:00:00.120000", None, "[]", "{}"), ("2026-02-31 02:00:00.000000", None, "[]", "{}")])
@example([("2026-03-01 02:00:00+02:00", None, "[]", "{}")])
@example([("2026-03-01 02:00:00.000000\n2026-03-01 02:00:00.000000", None, "[]", "{}")])
@example([("2026-03-01", None, "[]", "{}")])
def test_sqlite_may_hold_anything(found: list[tuple[Any, ...]]) -> None:
    numbered = [(number, *cells) for number, cells in enumerate(found)]
    checked = encoded_rows(list(read_raw(numbered, COLUMNS, is_sqlite=True)))
    try:
        returned = read_returned(list(reversed(numbered)), COLUMNS, is_sqlite=True)
    except NaiveTimeError:
        assert checked is None
    else:
        assert encoded_rows(list(zip(*returned, strict=True))) == checked


def test_times_people_and_reasons_are_the_same_on_every_database(database: Database) -> None:
    moments = [
        datetime(2026, 3, 1, 2, tzinfo=UTC),
        datetime(2026, 3, 1, 2, 0, 0, 120000, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
    ]
    people = [[], ["ann", "bob"], ['a"n\\n', "安\u2028", "", "NULL", "{x,y}"], ["\u00e9\x7f\t"]]
    reasons: list[Any] = [{}, {"invalid": ["ann"]}, {"b": [], "a": [1.5, True, None, "安"]}, {"\u2028": ["\t"]}]
    made = [
        {
            "robot_code": "robot-1",
            "process_query_key": f"key-{place}",
            "chat": "one_to_one",
            "sent_at": moment,
            "deadline": moment,
            "recipients": some,
            "recipient_count": len(some),
            "undelivered": why,
            "recorded_at": moment,
        }
        for place, (moment, some, why) in enumerate(zip(moments, people, reasons, strict=True))
    ]
    with database.write() as connection:
        connection.execute(insert(messages), made)
        checked = list(raw_rows(connection, COLUMNS, messages.c.id))
        reading = select(*returned_columns(COLUMNS, is_sqlite=database.is_sqlite))
        returned = write(connection, reading, {}, COLUMNS)
    assert len(checked) == len(moments)
    assert encoded_rows(list(zip(*returned, strict=True))) == encoded_rows(checked)
