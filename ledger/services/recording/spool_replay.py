"""Replaying what waits in the spool: each entry once, by whichever process comes first, in any order."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.core.events.message_events import EventPush
from ledger.core.json_value import JsonValue
from ledger.core.recording.capture import outcomes_of
from ledger.core.recording.message import KeylessSend
from ledger.errors import InvalidMessageError, LedgerError, StatementRefusedError
from ledger.services.recording.refusals import Refusals
from ledger.services.recording.rows import Defaults, message_of
from ledger.services.recording.write_apart import Content, Write, Written, is_away, write_apart
from ledger.spool.lines import JournalEntry
from ledger.spool.spool import Spool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(JsonValue):
    """What came out of the spool: messages new to the ledger, known ones, sends without a key, pushes, the rest.

    `left` is what the database does not take as it is now, and takes others beside it: it waits on in the spool.
    """

    recorded: int = 0
    duplicates: int = 0
    keyless: int = 0
    refused: int = 0
    left: int = 0
    pushes: int = 0


class SpoolReplay:
    """Moves what waits in the spool into the database; one thread at a time.

    `keep_on` writes to the spool again what has to wait, and raises LedgerError when it cannot.
    """

    def __init__(
        self, spool: Spool, write: Write[Content], keep_on: Callable[[Sequence[Content]], None], refusals: Refusals
    ) -> None:
        self._spool, self._write, self._keep_on, self._refusals = spool, write, keep_on, refusals
        self._lock = threading.RLock()
        self._is_at_it = False

    def run_once(self) -> Replayed | None:
        """Replay what can be; None when another thread is at it.

        Raise DatabaseError when the database is away; then what is left waits on.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            # The thread that is at it asks, by a signal handler: to wait would be to wait for itself.
            return Replayed() if self._is_at_it else self._run()
        finally:
            self._lock.release()

    def _run(self) -> Replayed:
        self._is_at_it = True
        try:
            return self._replay()
        finally:
            self._is_at_it = False

    def _replay(self) -> Replayed:
        totals: Counter[str] = Counter()
        try:
            self._refusals.offer_again()
            self._spool.replay(lambda batch: self._take(batch, totals))
        except OSError as error:
            raise LedgerError(f"the spool cannot be written: {error}") from None
        finally:
            if totals:
                log.info("replayed from the spool: %s", ", ".join(f"{count} {name}" for name, count in totals.items()))
        return Replayed(**totals)

    def _take(self, batch: Sequence[JournalEntry], totals: "Counter[str]") -> None:
        """Put a batch where it belongs, for sure; raise LedgerError when that cannot be, and it is handed out again."""
        contents, refused = _sorted(batch)
        found = list(zip(contents, write_apart(self._write, contents) if contents else (), strict=True))
        left = [(content, written.error) for content, written in found if written.error and written.is_left]
        if left and (len(left) == len(found) or any(is_away(error) for _, error in left)):
            raise _as_ours(left[0][1])
        # Not before the others are safe: until then the batch comes again.
        for content, written in found:
            if written.error is not None and written.is_refused:
                self._refusals.keep(content, written.error)
        for entry, reason in refused:
            self._refusals.keep_entry(entry, reason)
        if left:
            log.warning("%d entries wait on in the spool: %s", len(left), left[0][1])
            self._keep_on([content for content, _ in left])
        totals.update(_name_of(content, written) for content, written in found)
        totals.update("refused" for _ in refused)


def _sorted(batch: Sequence[JournalEntry]) -> tuple[list[Content], list[tuple[JournalEntry, str]]]:
    """Return what can be recorded, and what cannot, with the reason."""
    contents: list[Content] = []
    refused: list[tuple[JournalEntry, str]] = []
    for entry in batch:
        try:
            contents += contents_of(entry)
        except InvalidMessageError as error:
            refused.append((entry, str(error)))
    return contents, refused


def _as_ours(error: Exception) -> LedgerError:
    if isinstance(error, LedgerError):
        return error
    return StatementRefusedError(f"the database takes nothing of it: {type(error).__name__}: {error}")


def _name_of(content: Content, written: Written) -> str:
    if written.error is not None:
        return "refused" if written.is_refused else "left"
    if isinstance(content, EventPush):
        return "pushes"
    return "duplicates" if not written.is_new else "keyless" if isinstance(content, KeylessSend) else "recorded"


def contents_of(entry: JournalEntry) -> Sequence[Content]:
    """Return what an entry leaves to record; raise InvalidMessageError when it makes no message."""
    if entry.exchange is not None:
        return outcomes_of(entry.exchange)
    if entry.push is not None:
        return (entry.push,)
    if entry.row is not None:
        return (message_of(entry.row, Defaults()),)
    raise InvalidMessageError("it cannot be read")
