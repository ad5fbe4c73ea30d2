"""The spool: the folders of all journals, as those see it who replay what their writers left."""

import json
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ledger.errors import StatementRefusedError
from ledger.spool import places
from ledger.spool.frames import Record, read_records
from ledger.spool.journal import FEED, OWN, journal_of
from ledger.spool.lines import JournalEntry, LineReplay
from ledger.spool.refused import RefusedRows
from ledger.spool.segments import is_abandoned

ENTRIES_PER_BATCH = 1000
# So long after it was written a key of a process that lives is on its way: a journal that has nothing left is emptied
# sooner.
UNDER_WAY_SECONDS = 15.0

log = logging.getLogger(__name__)

Write = Callable[[Sequence[JournalEntry]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many journals wait, how large they are together, and what was refused and waits for a person.

    `fallback_bytes` of those are in `fallback_folders`, which are used while the first one cannot be written.
    """

    files: int
    bytes: int
    fallback_bytes: int
    fallback_folders: tuple[Path, ...]
    refused_rows: int
    refused_bytes: int


@dataclass(slots=True)
class _Followed:
    """How far a file has been read; that of a feed whose writer still lives is read on from there."""

    offset: int = 0
    line_replay: LineReplay = field(default_factory=LineReplay)
    fault: OSError | None = None

    def copy(self) -> "_Followed":
        """Return the same place to read on from; the disk may be well again."""
        return _Followed(self.offset, LineReplay(dict(self.line_replay.open)))

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Read on; a disk that does not let us is noted."""
        file.seek(self.offset)
        try:
            for size, records in read_records(file):
                self.offset += size
                yield from records
        except OSError as error:
            self.fault = error


class Spool:
    """Reads journals; several processes may share the folders."""

    def __init__(self, *folders: Path) -> None:
        self._folders, self.refused = folders, RefusedRows(*folders)
        self._followed: dict[Path, _Followed] = {}

    def depth(self, handed_over: Collection[Path] = ()) -> Depth:
        """Return how much waits; of the journal of this process, what it has handed over does.

        What a process that lives has just written does not: it is on its way into the database.
        """
        found = {path: size for path in self._journals() if (size := self._waiting_bytes(path, handed_over))}
        elsewhere = {path: size for path, size in found.items() if path.parent != self._folders[0]}
        refused = [_size(path) or 0 for path in self.refused.paths()]
        return Depth(
            files=len(found),
            bytes=sum(found.values()),
            fallback_bytes=sum(elsewhere.values()),
            fallback_folders=tuple(sorted({path.parent for path in elsewhere})),
            refused_rows=self.refused.count() if refused else 0,
            refused_bytes=sum(refused),
        )

    def _waiting_bytes(self, path: Path, handed_over: Collection[Path]) -> int:
        try:
            with places.opened(path) as file:
                found = os.fstat(file.fileno())
                # What lies in a folder of need does so because the first one could not be written.
                is_needy = path.parent != self._folders[0]
                if not found.st_size or is_needy or path in handed_over or is_abandoned(file):
                    return found.st_size
        except OSError:  # somebody was quicker, or it is not for us
            return _size(path) or 0
        if path.suffix == FEED:
            return found.st_size - self._followed.get(path, _Followed()).offset
        return found.st_size if time.time() - found.st_mtime > UNDER_WAY_SECONDS else 0

    def journals_naming(self, user: str) -> list[Path]:
        """Return the journals in which a user id stands, as far as they can be read."""
        written = json.dumps(user).encode("ascii")
        return [path for path in self._journals() if written in _content(path)]

    def count_waiting(self, journals: Collection[str]) -> int:
        """Return how many sends with a key wait that the journals of these names wrote; some may be elsewhere by now.

        What this process has replayed of a file that is still there does not wait.
        """
        return sum(self._count_waiting(path, journals) for path in self._journals())

    def _count_waiting(self, path: Path, journals: Collection[str]) -> int:
        so_far = self._followed.get(path, _Followed()).copy()
        try:
            with places.opened(path) as file:
                entries = [entry for record in so_far.records(file) for entry in so_far.line_replay.add(record)]
        except OSError:  # somebody was quicker, or it is not for us
            return 0
        ended = [entry.exchange for entry in entries if entry.exchange is not None]
        return sum(exchange.has_key and journal_of(exchange.id) in journals for exchange in ended)

    def replay(self, write: Write) -> int:
        """Hand on what the journals hold, and delete those whose writers are gone; return how many were deleted.

        `write` gets batches and must make each durable before it returns. What it raises ends the replay, and
        everything not yet deleted is handed on again the next time. A file that cannot be read, or of which a batch is
        refused (StatementRefusedError), holds up no other.
        """
        deleted, refused = 0, None
        for path in self._journals():
            try:
                deleted += self._replay_file(path, write)
            except StatementRefusedError as error:
                refused = refused or error
        if refused is not None:
            raise refused
        return deleted

    def _replay_file(self, path: Path, write: Write) -> bool:
        try:
            file = places.opened(path)
        except OSError as error:
            self._followed.pop(path, None)
            if not isinstance(error, FileNotFoundError):  # else somebody was quicker
                log.error("%s cannot be replayed: %s", path, error)
            return False
        with file:
            if not is_abandoned(file):
                if path.suffix == FEED:
                    self._followed[path] = self._read(path, file, write, to_the_end=False)
                return False
            fault = self._read(path, file, write, to_the_end=True).fault
            try:
                if fault is None:
                    path.unlink(missing_ok=True)
                    self._followed.pop(path, None)
                    return True
            except OSError as error:
                fault = error
            log.error("%s was replayed and will be again, which changes nothing: %s", path, fault)
            return False

    def _journals(self) -> list[Path]:
        return sorted(path for folder in self._folders for path in _journals_in(folder))

    def _read(self, path: Path, file: BinaryIO, write: Write, *, to_the_end: bool) -> _Followed:
        # What could not be written is read again: how far it was read is remembered once it has been.
        so_far = self._followed.get(path, _Followed()).copy()
        batch: list[JournalEntry] = []
        for record in so_far.records(file):
            batch += so_far.line_replay.add(record)
            if len(batch) >= ENTRIES_PER_BATCH:
                write(batch)
                batch = []
        if to_the_end and so_far.fault is None:
            batch += so_far.line_replay.close()
        if batch:
            write(batch)
        return so_far


def _journals_in(folder: Path) -> Iterator[Path]:
    try:
        if places.is_trusted(folder):
            yield from (path for path in folder.iterdir() if path.suffix in (OWN, FEED))
    except OSError:  # not there, or not for us
        return


def _content(path: Path) -> bytes:
    try:
        with places.opened(path) as file:
            return file.read()
    except OSError:  # somebody was quicker, or it is not for us
        return b""


def _size(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except OSError:
        return None
