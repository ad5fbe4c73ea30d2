"""Recording by the thousand: numbered rows in, sums out, in bounded memory and transactions; bad rows stop nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.core.json_value import JsonValue
from ledger.core.recording.message import Message
from ledger.errors import InvalidMessageError
from ledger.services.recording.rows import Line, Read

ROWS_PER_TRANSACTION = 1000
RECIPIENTS_PER_TRANSACTION = 50_000
# Every rejected row is counted and handed to who asks for it; so many are kept with their reason in the result.
REJECTIONS_KEPT = 1000
REASON_MAX_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCounts(JsonValue):
    """How many messages were new, how many the ledger had already, and how many wait in the spool for the database.

    `note` says how a message that the ledger had differs from that, and what became of the difference.
    """

    recorded: int
    duplicates: int
    spooled: int = 0
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(JsonValue):
    """One row that was not recorded: its line (from 1) and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing(JsonValue):
    """One row whose message the ledger had already, with another campaign or fewer users: its line, and a note."""

    line: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(JsonValue):
    """What became of all rows: each was recorded, a duplicate, spooled, or rejected; `rejected` names the first.

    `differing` names the first of the duplicates that were not the same.
    """

    read: int
    recorded: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    rejected_count: int = 0
    spooled: int = 0
    differing: tuple[Differing, ...] = ()
    differing_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWritten:
    """What became of some messages.

    By their index, `refused` says why of those that are no rows for the database, and `notes` how some that the ledger
    had already differ from that.
    """

    recorded: int
    duplicates: int
    spooled: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)


OnRejected = Callable[[Line, str], None]


def import_lines(
    lines: Iterable[Line],
    read: Read,
    write: Callable[[Sequence[Message]], BatchWritten],
    on_rejected: OnRejected | None = None,
) -> Iterator[Imported]:
    """Read rows into messages and write them; yield the sums after each transaction.

    When `lines` itself fails, what came before is recorded and told first.
    """
    sums = _Sums(on_rejected)
    yield sums.so_far()
    for batch in _batches(lines, read, sums):
        if batch:
            sums.add([line for line, _ in batch], write([message for _, message in batch]))
        yield sums.so_far()


@dataclass(slots=True)
class _Sums:
    """What was counted up to now."""

    on_rejected: OnRejected | None
    read: int = 0
    recorded: int = 0
    duplicates: int = 0
    spooled: int = 0
    rejected_count: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    differing_count: int = 0
    differing: list[Differing] = field(default_factory=list)

    def add(self, lines: Sequence[Line], written: BatchWritten) -> None:
        self.recorded += written.recorded
        self.duplicates += written.duplicates
        self.spooled += written.spooled
        for index, reason in written.refused.items():
            self.reject(lines[index], reason)
        self.differing_count += len(written.notes)
        room = REJECTIONS_KEPT - len(self.differing)
        self.differing += [
            Differing(line=lines[index].number, note=note) for index, note in list(written.notes.items())[:room]
        ]

    def reject(self, line: Line, reason: str) -> None:
        text = reason if len(reason) <= REASON_MAX_CHARACTERS else f"{reason[:REASON_MAX_CHARACTERS]}…"
        self.rejected_count += 1
        if len(self.rejected) < REJECTIONS_KEPT:
            self.rejected.append(Rejected(line=line.number, reason=text))
        if self.on_rejected is not None:
            self.on_rejected(line, text)

    def so_far(self) -> Imported:
        return Imported(
            read=self.read,
            recorded=self.recorded,
            duplicates=self.duplicates,
            rejected=tuple(self.rejected),
            rejected_count=self.rejected_count,
            spooled=self.spooled,
            differing=tuple(self.differing),
            differing_count=self.differing_count,
        )


def _batches(lines: Iterable[Line], read: Read, sums: _Sums) -> Iterator[list[tuple[Line, Message]]]:
    """Yield the messages of so many rows at a time; those before a fault of the source come before the fault."""
    messages: list[tuple[Line, Message]] = []
    rows = recipients = 0
    source = _Source(lines)
    for line in source.until_it_fails():
        rows += 1
        try:
            message = read(line.fields)
        except InvalidMessageError as error:
            sums.reject(line, str(error))
        else:
            messages.append((line, message))
            recipients += len(message.recipients)
        if rows == ROWS_PER_TRANSACTION or recipients >= RECIPIENTS_PER_TRANSACTION:
            sums.read += rows
            yield messages
            messages, rows, recipients = [], 0, 0
    if rows:
        sums.read += rows
        yield messages
    if source.fault is not None:
        raise source.fault


class _Source:
    """Rows from somewhere that may fail; the fault is kept for later."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines
        self.fault: Exception | None = None

    def until_it_fails(self) -> Iterator[Line]:
        try:
            yield from self._lines
        except Exception as error:
            self.fault = error
