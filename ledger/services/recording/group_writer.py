"""The shared writer: many threads hand in what was sent, one writes all that waits in one transaction.

Whatever came while the last transaction was written goes into the next. Only where each takes long, the next waits a
moment for those who come back from the last. What the database does not take goes to the journal, and from there,
later, into the database.
"""

import logging
import os
import queue
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ledger.core.events.message_events import EventPush
from ledger.core.recording.message import Message
from ledger.core.recording.row import row_of
from ledger.errors import LedgerError
from ledger.services.recording.waiting_log import WaitingLog, text_of_error
from ledger.services.recording.write_apart import Content, Write, write_apart
from ledger.services.recording.write_outcome import OutcomeToCome, WriteOutcome
from ledger.spool import lines
from ledger.spool.journal import Journal
from ledger.spool.segments import Segment

ENTRIES_PER_TRANSACTION = 1000
# So many in memory, and further ones are left to the journal.
MOST_WAITING = 20_000
# So long do callers wait for the database before the journal has to do.
PATIENCE_SECONDS = 1.0
# So much longer, when the journal cannot be written.
LAST_PATIENCE_SECONDS = 5.0
# So long is a database that failed left alone, while the journal takes everything.
LEFT_ALONE_SECONDS = 1.0
IDLE_SECONDS = 5.0
CLOSING_SECONDS = 5.0
# Who waited for a group mostly comes back at once with the next message. Where a group takes long, as on a busy machine
# or a slow disk, one of all of them takes as long as one of half of them: so long, in shares of the last one and at
# most, does the next wait for them. Where groups are quick, two halves that take turns get more done.
SHARE_OF_LAST_GROUP = 0.5
MOST_SECONDS_FOR_COMPANY = 0.01
QUICK_GROUP_SECONDS = 0.003

# What neither database nor disk took; its key is in the log.
LOST = "lost"

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class PendingWrite:
    """Something handed in: `segment` is where the journal holds it already, `outcome` is done once it is on disk.

    `note` says how a message that the ledger had already differs from that, or why one was refused that nothing keeps
    then: with `is_answered`, whoever handed it in waits to be told.
    """

    content: Content
    segment: Segment | None = None
    is_answered: bool = False
    outcome: OutcomeToCome = field(default_factory=OutcomeToCome)
    has_waiter: bool = False
    note: str | None = None


OnUnwritable = Callable[[PendingWrite, OSError], object]


class GroupWriter:
    """Owns one thread, which starts with the first entry. Safe to share between threads; works again after a fork."""

    def __init__(
        self,
        write: Write[Content],
        journal: Journal,
        refuse: Callable[[Content, Exception], None],
        waiting_log: WaitingLog,
        when_idle: Callable[[], object] = lambda: None,
    ) -> None:
        self._write, self._journal, self._refuse, self._when_idle = write, journal, refuse, when_idle
        self._waiting_log = waiting_log
        self.counts: Counter[str] = Counter()
        self._begin()
        begin = weakref.WeakMethod(self._begin)
        os.register_at_fork(after_in_child=lambda: (method := begin()) and method())

    def _begin(self) -> None:
        # Signal handlers hand things in too, whatever their thread is at: nothing here may wait for that.
        self._waiting: queue.SimpleQueue[PendingWrite | None] = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._is_starting, self._closing = False, 0
        self._last: PendingWrite | None = None
        self._left_alone_until = 0.0
        self._expected, self._took_seconds = 0, 0.0

    def submit(self, content: Content, segment: Segment | None = None, *, is_answered: bool = False) -> PendingWrite:
        """Hand something in, and return at once."""
        entry = PendingWrite(content, segment, is_answered)
        if self._waiting.qsize() > MOST_WAITING:
            self._spool([entry])
            return entry
        self._waiting.put(entry)
        self._last = entry
        if self._thread is None or not self._thread.is_alive():
            self.start()
        return entry

    @property
    def waiting(self) -> int:
        """How many entries the thread has yet to take."""
        return self._waiting.qsize()

    def wait(self, entry: PendingWrite, patience_seconds: float = PATIENCE_SECONDS) -> WriteOutcome:
        """Return once an entry is on disk: in the database, or after a while in the journal.

        Raise LedgerError when neither takes it.
        """
        entry.has_waiter = True
        try:
            return entry.outcome.result(patience_seconds)
        except TimeoutError:
            self._spool([entry], otherwise=lambda *_: None)
        try:
            # With a spool that cannot be written, a slow database is better than none.
            return entry.outcome.result(LAST_PATIENCE_SECONDS)
        except TimeoutError:
            self._spool([entry])
            return entry.outcome.result()

    def spool(self, contents: Sequence[Content]) -> None:
        """Leave things to the journal, and return once they are on disk; raise LedgerError when it takes not all."""
        entries = [PendingWrite(content) for content in contents]
        self._spool(entries)
        self.start()
        for entry in entries:
            entry.outcome.result()

    def flush(self) -> None:
        """Return once all that was handed in before is on disk; raise LedgerError when the last of it is nowhere."""
        last = self._last
        if last is not None:
            self.wait(last)

    def start(self) -> None:
        """Start the thread unless it runs: from then on it also looks after what waits in the spool."""
        with self._lock:
            # Whoever closes starts it again for what comes meanwhile: two would wait for each other's last entry.
            is_running = self._thread is not None and self._thread.is_alive()
            if is_running or self._is_starting or self._closing:
                return
            if self._is_started():
                return
        self._spool(_only_entries(_drained(self._waiting, MOST_WAITING)))

    def close(self) -> None:
        """Write what waits, or leave it to the journal when the database does not take it soon; may be called twice."""
        with self._lock:
            self._closing += 1
            thread, self._thread = self._thread, None
        try:
            if thread is not None and thread.is_alive():
                self._end(thread)
        finally:
            with self._lock:
                self._closing -= 1
        self._journal.close()
        if not self._waiting.empty():
            self.start()

    def _end(self, thread: threading.Thread) -> None:
        self._waiting.put(None)
        thread.join(CLOSING_SECONDS)
        if thread.is_alive():
            log.warning("the database does not answer: what was sent last waits in the spool")
            self._spool(_only_entries(_drained(self._waiting, MOST_WAITING)))

    def _is_started(self) -> bool:
        """Start the thread, and say whether it runs: an interpreter that ends starts none any more."""
        self._is_starting = True
        try:
            # Some interpreters that end would wait for one for ever.
            if not sys.is_finalizing():
                thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
                self._thread = thread
                with suppress(RuntimeError):
                    thread.start()
                    return True
            self._thread = None
            return False
        finally:
            self._is_starting = False

    def _run(self) -> None:
        looked_at = time.monotonic()
        # Not for ever: whoever closed may have gone on without it, and others may have started another one.
        while self._thread is threading.current_thread() or self._closing:
            is_looking = bool(self._journal.handed_over) or self._waiting_log.is_outage
            patience = LEFT_ALONE_SECONDS if is_looking else IDLE_SECONDS
            try:
                batch = [self._waiting.get(timeout=patience)]
            except queue.Empty:
                batch = []
            batch += _drained(self._waiting, ENTRIES_PER_TRANSACTION - len(batch))
            if batch:
                self._wait_for_company(batch)
                begun = time.monotonic()
                self._take_safely(_only_entries(batch))
                self._took_seconds = time.monotonic() - begun
                self._expected = sum(entry.has_waiter for entry in _only_entries(batch)) + self._waiting.qsize()
            if None in batch:
                return
            if time.monotonic() - looked_at >= patience:
                self._look_around()
                looked_at = time.monotonic()

    def _wait_for_company(self, batch: list[PendingWrite | None]) -> None:
        """Add to a group those who come back from the last one, if that is worth while."""
        if self._took_seconds < QUICK_GROUP_SECONDS:
            return
        until = time.monotonic() + min(self._took_seconds * SHARE_OF_LAST_GROUP, MOST_SECONDS_FOR_COMPANY)
        most = min(self._expected, ENTRIES_PER_TRANSACTION)
        while len(batch) < most and None not in batch and (left := until - time.monotonic()) > 0:
            with suppress(queue.Empty):
                batch.append(self._waiting.get(timeout=left))
            batch += _drained(self._waiting, most - len(batch))

    def _take_safely(self, batch: Sequence[PendingWrite]) -> None:
        try:
            self._take(batch)
        except Exception as error:  # a fault of ours: the thread goes on, and no key goes with it
            log.exception("the writer failed, and what was sent waits in the spool: %s", text_of_error(error))
            self._spool(batch)

    def _take(self, batch: Sequence[PendingWrite]) -> None:
        batch = [entry for entry in batch if not entry.outcome.done()]
        if not batch:
            return
        if time.monotonic() < self._left_alone_until:
            self._spool(batch)
            return
        begun = self._waiting_log.now()
        found = write_apart(self._write, [entry.content for entry in batch])
        self._waiting_log.note(begun, found)
        left = []
        for entry, written in zip(batch, found, strict=True):
            if written.error is None:
                entry.note = written.note
                self._done(entry, WriteOutcome.RECORDED if written.is_new else WriteOutcome.DUPLICATE)
            elif written.is_refused:
                self._give_up(entry, written.error)
            else:
                left.append(entry)
        if len(left) == len(batch):
            self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
        self._spool(left)

    def _spool(self, batch: Sequence[PendingWrite], otherwise: OnUnwritable | None = None) -> None:
        """See to it that entries are on disk in the journal, which others replay; what cannot be goes to the log."""
        last_resort = otherwise or self._log_as_last_resort
        # Twice: what a segment held whose syncing failed goes to another one.
        again = [entry for entry, _ in self._sync(batch)]
        for entry, error in self._sync(again):
            last_resort(entry, error)

    def _sync(self, batch: Sequence[PendingWrite]) -> list[tuple[PendingWrite, OSError]]:
        """Write entries that are not on disk, and sync them; return those that are not, each with why."""
        held: dict[Segment, list[PendingWrite]] = {}
        failed: list[tuple[PendingWrite, OSError]] = []
        for entry in batch:
            if not entry.outcome.done():
                try:
                    held.setdefault(self._segment_of(entry), []).append(entry)
                except OSError as error:
                    failed.append((entry, error))
        for segment, entries in held.items():
            try:
                self._journal.sync(segment)
                self._journal.hand_over(segment)
            except OSError as error:
                self._journal.settle(segment, sum(self._has_let_go(entry, segment) for entry in entries))
                failed += [(entry, error) for entry in entries]
            else:
                for entry in entries:
                    self._done(entry, WriteOutcome.SPOOLED)
        return failed

    def _has_let_go(self, entry: PendingWrite, segment: Segment) -> bool:
        """Let go of the segment of an entry; False when another thread has done so, which settles it there."""
        with self._lock:
            is_held = entry.segment is segment
            if is_held:
                entry.segment = None
        return is_held

    def _segment_of(self, entry: PendingWrite) -> Segment:
        if entry.segment is None:
            entry.segment = self._journal.add(_line_of(entry.content))
        return entry.segment

    def _give_up(self, entry: PendingWrite, error: Exception) -> None:
        """Keep what is no message for the database where a person finds it, so that it does not come again."""
        if entry.is_answered:
            entry.note = str(error)
            self._done(entry, WriteOutcome.REFUSED)
            return
        try:
            self._refuse(entry.content, error)
        except OSError:
            self._spool([entry])
        else:
            self._done(entry, WriteOutcome.REFUSED)

    def _log_as_last_resort(self, entry: PendingWrite, error: OSError) -> None:
        """Neither the database nor the disk takes it: the log is the last resort."""
        log.critical("NOT RECORDED, neither database nor spool (%s): %s", error, text_of(entry.content))
        lost = LedgerError(f"neither the database nor the spool can be written: {error}")
        if entry.outcome.settle(lost):
            with self._lock:
                self.counts[LOST] += 1

    def _done(self, entry: PendingWrite, outcome: WriteOutcome) -> None:
        is_first = entry.outcome.settle(outcome)
        with self._lock:
            self.counts[outcome] += is_first
            segment, entry.segment = entry.segment, None
        if segment is not None and outcome is not WriteOutcome.SPOOLED:
            self._journal.settle(segment)

    def _look_around(self) -> None:
        self._journal.empty()
        try:
            self._when_idle()
        except Exception as error:
            self._waiting_log.failed(error, "the spool could not be replayed")
        self._waiting_log.look()


def _only_entries(found: Sequence[PendingWrite | None]) -> list[PendingWrite]:
    return [entry for entry in found if entry is not None]


def _drained(waiting: "queue.SimpleQueue[PendingWrite | None]", most: int) -> list[PendingWrite | None]:
    found: list[PendingWrite | None] = []
    while len(found) < most:
        try:
            found.append(waiting.get_nowait())
        except queue.Empty:
            break
    return found


def text_of(content: Content) -> str:
    """Write in one line what was sent, so that it can be recorded by hand."""
    return _line_of(content).decode("ascii").rstrip("\n")


def _line_of(content: Content) -> bytes:
    if isinstance(content, EventPush):
        return lines.push(content)
    return lines.row(row_of(content)) if isinstance(content, Message) else lines.trace(content)
