"""Processor time that work takes: that of this process and that of the local database server which it asks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from ledger.store.database import Database

_TICKS_PER_SECOND, _NANOSECONDS = 100, 1e9


@dataclass(slots=True)
class Spent:
    """Seconds: of this process's processor time, of its server's, and by the clock."""

    ours: float = 0.0
    server: float = 0.0
    clock: float = 0.0

    @property
    def processor(self) -> float:
        """Both together."""
        return self.ours + self.server


class Processor:
    """Reads what has been spent for one database so far; SQLite has no server."""

    def __init__(self, url: str) -> None:
        database = Database(url)
        self._postmaster: int | None = None
        if not database.is_sqlite:
            with database.read() as connection:
                backend = connection.scalar(text("SELECT pg_backend_pid()"))
            self._postmaster = _parent(Path(f"/proc/{backend}"))
        database.close()

    @contextmanager
    def spent(self) -> Iterator[Spent]:
        """Yield what is known once the block has ended."""
        spent = Spent()
        server = self.server_seconds()  # first, and last: reading it costs a little of ours
        clock, ours = time.perf_counter(), time.process_time()
        yield spent
        spent.ours, spent.clock = time.process_time() - ours, time.perf_counter() - clock
        spent.server = self.server_seconds() - server

    def server_seconds(self) -> float:
        """Return the processor seconds of all processes of the server, also of those that have ended."""
        if self._postmaster is None:
            return 0.0
        family = [one for one in Path("/proc").glob("[0-9]*") if _parent(one) == self._postmaster]
        return sum(map(_seconds, family)) + _ended_seconds(Path(f"/proc/{self._postmaster}"))


def most_memory_mb() -> int:
    """Return the most memory that this process has had; what `resource` says is also that of who started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def seconds_of(process_id: int) -> float:
    """Return the processor seconds of a process with all its threads, to the hundredth."""
    return sum(_stat(Path(f"/proc/{process_id}"))[11:13]) / _TICKS_PER_SECOND


def _seconds(process: Path) -> float:
    """Return the seconds of one process so far, to the nanosecond; /proc/PID/stat knows hundredths."""
    try:
        return int((process / "schedstat").read_text().split()[0]) / _NANOSECONDS
    except OSError:
        return 0.0


def _ended_seconds(process: Path) -> float:
    """Return the seconds of a process and of its children that have ended."""
    return sum(_stat(process)[11:15]) / _TICKS_PER_SECOND


def _parent(process: Path) -> int:
    return _stat(process)[1]


def _stat(process: Path) -> list[int]:
    """Return the numbers of a process behind its name and state: its own number first, then its parent's."""
    try:
        rest = (process / "stat").read_text().rpartition(")")[2].split()[1:]
    except OSError:
        return [0, 0]
    return [int(process.name), *(int(one) for one in rest[:14])]
