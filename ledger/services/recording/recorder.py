"""Keeping what was sent, come what may: in the database, or in the spool for as long as the database is away."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger.clock import Clock
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.events.message_events import EventPush
from ledger.core.recording.message import Message
from ledger.errors import InvalidMessageError, LedgerError
from ledger.patience import OutageLog
from ledger.services.recording.batches import BatchWritten, Imported, OnRejected, WriteCounts, import_lines
from ledger.services.recording.group_writer import GroupWriter
from ledger.services.recording.inserts import Inserter
from ledger.services.recording.refusals import Refusals
from ledger.services.recording.rows import Defaults, Line, Read, read_row, reader, within
from ledger.services.recording.sends import SendRecorder
from ledger.services.recording.spool_replay import Replayed, SpoolReplay, contents_of
from ledger.services.recording.waiting_log import WaitingLog
from ledger.services.recording.write_apart import Content, Written, is_away, write_apart
from ledger.services.recording.write_outcome import WriteOutcome
from ledger.settings import Settings
from ledger.spool import lines, places
from ledger.spool.journal import Journal
from ledger.spool.lines import JournalEntry
from ledger.spool.spool import Depth, Spool

BETWEEN_LOOKS_SECONDS = 0.05
# So few are written with what other threads hand in: a transaction of their own would cost more than they do.
FEW_MESSAGES = 5
# So long a push waits for the database where no journal can be written: DingTalk waits for three seconds.
PUSH_PATIENCE_SECONDS = 1.5

log = logging.getLogger(__name__)


class Recorder:
    """Owns the journal of this process and its writer. Nothing is opened or started before something is kept."""

    def __init__(self, inserter: Callable[[], Inserter], clock: Clock, settings: Settings, outage: OutageLog) -> None:
        # Asked for anew each time: it cannot be had while the database is away.
        self._inserter, self._clock = inserter, clock
        self._defaults = Defaults(campaign=settings.campaign, source=settings.source)
        self._keeps_excerpt = settings.keep_excerpt
        folders = places.with_last_resort(*settings.spool_folders)
        self._spool = Spool(*folders)
        self._journal = Journal(*folders, complain=log.error)
        self._refusals = Refusals(self._spool.refused)
        self._waiting_log = WaitingLog(outage, clock, lambda: inserter().ask())
        self.writer = GroupWriter(
            self._write_each, self._journal, self._refusals.keep, self._waiting_log, when_idle=self.replay
        )
        self._spool_replay = SpoolReplay(self._spool, self._write_each, self.writer.spool, self._refusals)
        self.send_recorder = SendRecorder(
            self._journal,
            self.writer,
            clock,
            campaign=settings.campaign,
            source=settings.source,
            keeps_excerpt=settings.keep_excerpt,
        )

    def record(self, fields: Mapping[str, Any]) -> WriteCounts:
        """Return once the message of a row is on disk; without `sent_at` it counts as sent now.

        Without a campaign or a source, it has those of the settings.

        Raise InvalidMessageError when it makes no message, another LedgerError when neither the database nor the spool
        takes it.
        """
        now = self._clock.now()
        return self.keep(read_row(fields, replace(self._defaults, sent_at=now), now))

    def keep(self, message: Message) -> WriteCounts:
        """Return once a message is on disk; raise LedgerError when neither the database nor the spool takes it."""
        pending = self.writer.submit(self._as_kept(message))
        outcome = self.writer.wait(pending)
        if outcome is WriteOutcome.REFUSED:
            raise InvalidMessageError("the database does not take this message: `ledger doctor` says where it is kept")
        return WriteCounts(
            recorded=int(outcome is WriteOutcome.RECORDED),
            duplicates=int(outcome is WriteOutcome.DUPLICATE),
            spooled=int(outcome is WriteOutcome.SPOOLED),
            note=pending.note,
        )

    def keep_push(self, push: EventPush) -> bool:
        """Return once a push is on disk, in the journal or, where that cannot be, the database; False when it is not.

        The database is given it then, and is waited for only without a journal, and only for a moment.
        """
        try:
            segment = self._journal.add(lines.push(push))
        except OSError:
            return self._is_written(push)
        try:
            self._journal.sync(segment)
        except OSError:
            self._journal.settle(segment)
            return self._is_written(push)
        self.writer.submit(push, segment)
        return True

    def _is_written(self, push: EventPush) -> bool:
        outcome = self.writer.submit(push).outcome
        try:
            return outcome.result(PUSH_PATIENCE_SECONDS) is not WriteOutcome.REFUSED
        except (TimeoutError, LedgerError):
            return False

    def keep_entries(self, entries: Sequence[JournalEntry]) -> bool:
        """Return once what a sender handed over is on disk, and whether all of it is; nothing is raised for a fault."""
        try:
            contents = (content for entry in entries for content in contents_of(entry))
            kept = [self._as_kept(one) if isinstance(one, Message) else one for one in contents]
            pending = [self.writer.submit(content) for content in kept]
            return WriteOutcome.REFUSED not in [self.writer.wait(one) for one in pending]
        except LedgerError as error:
            log.error("a send is not on disk: %s", error)
            return False

    def record_many(
        self,
        lines: Iterable[Line],
        defaults: Defaults,
        on_rejected: OnRejected | None = None,
        *,
        bounds: Bounds = EVERYTHING,
    ) -> Imported:
        """Return once every row that makes a message within bounds is on disk; raise as `record` does."""
        (last,) = deque(self.import_lines(lines, defaults, on_rejected, bounds=bounds), maxlen=1)
        return last

    def record_beside_others(
        self,
        lines: Iterable[Line],
        defaults: Defaults,
        on_rejected: OnRejected | None = None,
        *,
        bounds: Bounds = EVERYTHING,
    ) -> Imported:
        """Do the same for one of many threads: few messages are written with what the others hand in."""
        read = self._reader(defaults, bounds)
        (last,) = deque(import_lines(lines, read, self._write_beside_others, on_rejected), maxlen=1)
        return last

    def import_lines(
        self,
        lines: Iterable[Line],
        defaults: Defaults,
        on_rejected: OnRejected | None = None,
        *,
        bounds: Bounds = EVERYTHING,
    ) -> Iterator[Imported]:
        """Record rows and yield the sums after each transaction, the last of which is the result.

        Every rejected row is handed to `on_rejected` with the reason; the result names the first of them.
        """
        read = self._reader(defaults, bounds)
        return import_lines(lines, read, self._write_or_spool, on_rejected)

    def replay(self) -> Replayed:
        """Move what waits in the spool into the database; raise DatabaseError when it is away."""
        self._journal.seal()
        while (replayed := self._spool_replay.run_once()) is None:
            self._clock.sleep(BETWEEN_LOOKS_SECONDS)
        return replayed

    def catch_up(self) -> None:
        """Replay the spool before the ledger is asked what it holds; a fault only means that it waits on."""
        try:
            self.writer.flush()
            self.replay()
        except Exception as error:
            self._waiting_log.failed(error, "what waits in the spool could not be replayed")

    def look_after_spool(self) -> None:
        """See whether the database takes what comes and what others left, now or else as soon as it is back."""
        try:
            self._inserter()
            self.replay()
        except Exception as error:
            self._waiting_log.failed(error, "what is sent waits in the spool meanwhile")
            self.writer.start()

    def depth(self) -> Depth:
        """Return how much waits in the spool; the database is not asked."""
        return self._spool.depth(self._journal.handed_over)

    def count_waiting(self, journals: Collection[str]) -> int:
        """Return how many sends with a key of these journals wait in the spool; the database is not asked."""
        return self._spool.count_waiting(journals)

    @property
    def counts(self) -> Mapping[str, int]:
        """How what this process kept has ended, counted: in the database, the spool, or refused."""
        return dict(self.writer.counts)

    def close(self) -> None:
        """Write what was handed in, to the database or the spool; may be called twice."""
        self.writer.close()

    def _reader(self, defaults: Defaults, bounds: Bounds) -> Read:
        read = within(reader(defaults, self._clock), bounds)
        return lambda fields: self._as_kept(read(fields))

    def _as_kept(self, message: Message) -> Message:
        """Return a message with what it says only where that is wanted: else neither spool nor table is to have it."""
        return message if self._keeps_excerpt or message.excerpt is None else replace(message, excerpt=None)

    def _write_each(self, contents: Sequence[Content]) -> Sequence[Written]:
        return self._inserter().write_each(contents)

    def _write_beside_others(self, messages: Sequence[Message]) -> BatchWritten:
        """Let the writer take few messages along; of those that it refuses none is kept."""
        if len(messages) > FEW_MESSAGES:
            return self._write_or_spool(messages)
        pending = [self.writer.submit(message, is_answered=True) for message in messages]
        outcomes = [self.writer.wait(one) for one in pending]
        notes = {index: one.note for index, one in enumerate(pending) if one.note is not None}
        refused = {index for index, outcome in enumerate(outcomes) if outcome is WriteOutcome.REFUSED}
        return BatchWritten(
            recorded=outcomes.count(WriteOutcome.RECORDED),
            duplicates=outcomes.count(WriteOutcome.DUPLICATE),
            spooled=outcomes.count(WriteOutcome.SPOOLED),
            refused={index: note for index, note in notes.items() if index in refused},
            notes={index: note for index, note in notes.items() if index not in refused},
        )

    def _write_or_spool(self, messages: Sequence[Message]) -> BatchWritten:
        begun = self._waiting_log.now()
        try:
            return self._inserter().write(messages)
        except Exception as error:
            if is_away(error):
                found = [Written(error=error)] * len(messages)
            else:
                found = write_apart(self._write_each, messages)
        self._waiting_log.note(begun, found)
        left = [message for message, one in zip(messages, found, strict=True) if one.is_left]
        if left:
            self.writer.spool(left)
        recorded = sum(one.is_new for one in found)
        refused = {index: str(one.error) for index, one in enumerate(found) if one.is_refused}
        duplicates = len(messages) - recorded - len(left) - len(refused)
        notes = {index: one.note for index, one in enumerate(found) if one.note is not None}
        return BatchWritten(recorded=recorded, duplicates=duplicates, spooled=len(left), refused=refused, notes=notes)
