"""Who waits for SQLite's write lock, so that whoever works in many steps, as the purge does, lets them go first.

SQLite tells nobody who waits. Those who do hold a shared lock on the folder of the database meanwhile, and whoever
would take the write lock again at once looks whether anybody does. It is the folder, for nothing else may open the
file: to close it would drop the locks that SQLite has on it. Where folders cannot be locked, nobody is seen to wait.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ledger.clock import Clock

BETWEEN_LOOKS_SECONDS = 0.0005


class Waiting:
    """A place among those who wait, from when `join` is called first until the context ends.

    `path_of` says where the file is, None for one in memory; it is asked by those alone who have to wait.
    """

    def __init__(self, path_of: Callable[[], str | None]) -> None:
        self._path_of, self._folder = path_of, -1
        self._has_joined = False

    def join(self) -> None:
        """Be seen to wait; to be called at each look, for who looks whether anybody waits may be in the way."""
        if self._has_joined:
            return
        try:
            if self._folder < 0 and (path := self._path_of()) is not None:
                self._folder = _opened(path)
            if self._folder >= 0:
                fcntl.flock(self._folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            pass
        self._has_joined = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder >= 0:
            os.close(self._folder)


def let_go_first(path: str | None, clock: Clock, most_seconds: float) -> None:
    """Return once nobody waits for the write lock of a database any more, or after so long."""
    if path is None:
        return
    begun = clock.monotonic()
    with _folder_of(path) as folder:
        while folder is not None and _is_locked(folder) and clock.monotonic() - begun < most_seconds:
            clock.sleep(BETWEEN_LOOKS_SECONDS)


@contextmanager
def _folder_of(path: str) -> Iterator[int | None]:
    try:
        folder = _opened(path)
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)


def _opened(path: str) -> int:
    return os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_CLOEXEC)  # noqa: PTH120  (as SQLite has it: a text)


def _is_locked(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(folder, fcntl.LOCK_UN)
    return False
