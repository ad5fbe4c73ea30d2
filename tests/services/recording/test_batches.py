"""Rows by the thousand: the sums add up, memory stays bounded whatever comes, and a fault loses nothing before it."""

import tracemalloc
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ledger.core.recording.message import Message, MessageKey, RobotCode, UserId
from ledger.errors import InvalidMessageError, UnreadableFileError
from ledger.services.recording.batches import (
    REASON_MAX_CHARACTERS,
    RECIPIENTS_PER_TRANSACTION,
    REJECTIONS_KEPT,
    ROWS_PER_TRANSACTION,
    BatchWritten,
    Imported,
    import_lines,
)
from ledger.services.recording.rows import Line
from tests.conftest import NOON


def read(fields: Mapping[str, Any] | str) -> Message:
    if isinstance(fields, str):
        raise InvalidMessageError(fields)
    users = tuple(UserId(str(number)) for number in range(fields.get("users", 1)))
    return Message(
        process_query_key=MessageKey(fields["key"]), robot_code=RobotCode("r"), sent_at=NOON, recipients=users
    )


class Table:
    """Where messages go: how many at once, and how many recipients."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []

    def write(self, messages: Sequence[Message]) -> BatchWritten:
        self.batches.append((len(messages), sum(len(message.recipients) for message in messages)))
        return BatchWritten(recorded=len(messages), duplicates=0)


def bad_lines(count: int, reason: str = "no good") -> Iterator[Line]:
    return (Line(number=number, fields=reason, raw=b"x" * 200) for number in range(1, count + 1))


def last_of(sums: Iterator[Imported]) -> Imported:
    (last,) = deque(sums, maxlen=1)
    return last


def test_bad_rows_by_the_hundred_thousand_are_all_counted_and_handed_on_in_little_memory() -> None:
    handed: list[int] = [0]

    def on_rejected(line: Line, reason: str) -> None:
        assert reason == "no good"
        handed[0] = line.number

    table = Table()
    tracemalloc.start()
    last = last_of(import_lines(bad_lines(300_000), read, table.write, on_rejected))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (last.read, last.rejected_count, len(last.rejected), handed[0]) == (
        300_000,
        300_000,
        REJECTIONS_KEPT,
        300_000,
    )
    assert [one.line for one in last.rejected] == list(range(1, REJECTIONS_KEPT + 1))
    assert table.batches == []
    assert peak < 3_000_000


def test_a_long_reason_is_cut() -> None:
    last = last_of(import_lines(bad_lines(1, "x" * 100_000), read, Table().write))
    assert len(last.rejected[0].reason) == REASON_MAX_CHARACTERS + 1


def test_a_transaction_holds_so_many_rows_and_about_so_many_recipients() -> None:
    few, many = {"key": "k"}, {"key": "k", "users": 1000}
    table = Table()
    lines = [Line(number=n, fields=few) for n in range(ROWS_PER_TRANSACTION + 1)]
    last_of(import_lines(lines, read, table.write))
    assert [rows for rows, _ in table.batches] == [ROWS_PER_TRANSACTION, 1]
    table = Table()
    last_of(import_lines([Line(number=n, fields=many) for n in range(120)], read, table.write))
    assert [recipients for _, recipients in table.batches] == [50_000, 50_000, 20_000]
    assert max(recipients for _, recipients in table.batches) < RECIPIENTS_PER_TRANSACTION + 1000


def test_what_came_before_a_fault_of_the_source_is_recorded_and_told_first() -> None:
    def source() -> Iterator[Line]:
        for number in range(1, ROWS_PER_TRANSACTION + 8):
            yield Line(number=number, fields={"key": str(number)})
        raise UnreadableFileError("cut off")

    seen: list[Imported] = []
    with pytest.raises(UnreadableFileError, match="cut off"):
        seen.extend(import_lines(source(), read, Table().write))
    assert [one.read for one in seen] == [0, ROWS_PER_TRANSACTION, ROWS_PER_TRANSACTION + 7]
    assert seen[-1].recorded == ROWS_PER_TRANSACTION + 7
