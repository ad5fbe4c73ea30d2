"""The spool: the folder of all journals, as those see it who take in what their writers left."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ledger.spool.journal import FEED, OWN
from ledger.spool.lines import JournalEntry, LineReplay

ENTRIES_PER_BATCH = 1000
REFUSED = "refused.jsonl"

Write = Callable[[Sequence[JournalEntry]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many journals wait, how large they are together, and how many bytes nobody could make sense of."""

    files: int
    bytes: int
    refused_bytes: int


@dataclass(slots=True)
class _Followed:
    """How far a feed has been read whose writer still lives."""

    offset: int = 0
    line_replay: LineReplay = field(default_factory=LineReplay)


class Spool:
    """Reads journals; several processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._followed: dict[Path, _Followed] = {}

    def depth(self) -> Depth:
        """Return how much waits."""
        sizes = [size for path in self._journals() if (size := _size(path)) is not None]
        return Depth(files=len(sizes), bytes=sum(sizes), refused_bytes=_size(self.folder / REFUSED) or 0)

    def replay(self, write: Write) -> int:
        """Hand on what the journals hold, and delete those whose writers are gone; return how many were deleted.

        `write` gets batches and must make each durable before it returns. What it raises ends the taking in, and
        everything not yet deleted is handed on again the next time.
        """
        deleted = 0
        for path in self._journals():
            try:
                file = path.open("rb")
            except FileNotFoundError:  # somebody else was quicker
                self._followed.pop(path, None)
                continue
            with file:
                if _is_free(file):
                    self._read(path, file, write, to_the_end=True)
                    path.unlink(missing_ok=True)
                    self._followed.pop(path, None)
                    deleted += 1
                elif path.suffix == FEED:
                    self._read(path, file, write, to_the_end=False)
        return deleted

    def refuse(self, line: str) -> None:
        """Keep, for a person to look at, what no message could be made of; raise OSError when the disk does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / REFUSED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "backslashreplace") + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _journals(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix in (OWN, FEED))
        except FileNotFoundError:
            return []

    def _read(self, path: Path, file: BinaryIO, write: Write, *, to_the_end: bool) -> None:
        so_far = self._followed.pop(path, None) or _Followed()
        file.seek(so_far.offset)
        batch: list[JournalEntry] = []
        for line in _whole_lines(file):
            kept = so_far.line_replay.add(line)
            so_far.offset += len(line)
            if kept is not None:
                batch.append(kept)
            if len(batch) == ENTRIES_PER_BATCH:
                write(batch)
                batch = []
        if to_the_end:
            batch += so_far.line_replay.close()
        if batch:
            write(batch)
        # Only now: what could not be written is read again from the start.
        if not to_the_end:
            self._followed[path] = so_far


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines that end; half a line was never finished, and its writer never relied on it."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield line


def _is_free(file: BinaryIO) -> bool:
    """Take the lock of a journal whose writer is gone; False while it lives, or when somebody deleted the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(file.fileno()).st_nlink > 0


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
