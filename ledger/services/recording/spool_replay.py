"""Taking in what waits in the spool: each entry once, by whichever process comes first, in any order."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.core.capture import outcomes_of
from ledger.core.json_value import JsonValue
from ledger.core.message import KeylessSend
from ledger.core.row import Row
from ledger.errors import InvalidMessageError
from ledger.services.recording.group_writer import Content
from ledger.spool.lines import JournalEntry
from ledger.spool.spool import Spool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(JsonValue):
    """What came out of the spool: messages new to the ledger, known ones, sends without a key, and what is neither."""

    recorded: int = 0
    duplicates: int = 0
    keyless: int = 0
    refused: int = 0


class SpoolReplay:
    """Moves what waits in the spool into the database; one thread at a time."""

    def __init__(self, spool: Spool, write: Callable[[Sequence[Content]], Sequence[bool]]) -> None:
        self._spool, self._write = spool, write
        self._lock = threading.Lock()

    def run_once(self) -> Replayed | None:
        """Take in what can be; None when another thread is at it.

        Raise DatabaseError when the database is away; then what is left waits on.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self._take_in()
        finally:
            self._lock.release()

    def _take_in(self) -> Replayed:
        totals = {"recorded": 0, "duplicates": 0, "keyless": 0, "refused": 0}

        def write(batch: Sequence[JournalEntry]) -> None:
            contents: list[Content] = []
            for kept in batch:
                try:
                    found = _contents(kept)
                except InvalidMessageError as error:
                    self._refuse(kept, str(error))
                    totals["refused"] += 1
                else:
                    contents += found
            for content, is_new in zip(contents, self._write(contents), strict=True):
                is_trace = isinstance(content, KeylessSend)
                totals["duplicates" if not is_new else "keyless" if is_trace else "recorded"] += 1

        self._spool.replay(write)
        if any(totals.values()):
            log.info("taken in from the spool: %s", ", ".join(f"{count} {name}" for name, count in totals.items()))
        return Replayed(**totals)

    def _refuse(self, kept: JournalEntry, why: str) -> None:
        line = kept.unreadable if kept.unreadable is not None else repr(kept.row or kept.exchange)
        log.critical("a line of the spool is no message (%s) and is kept in %s: %s", why, self._spool.folder, line)
        self._spool.refuse(line)


def _contents(kept: JournalEntry) -> Sequence[Content]:
    if kept.exchange is not None:
        return outcomes_of(kept.exchange)
    if kept.row is not None:
        return (Row.read(kept.row).to_message(),)
    raise InvalidMessageError("it cannot be read")
