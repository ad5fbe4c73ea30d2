"""SQLite's write lock, taken soon after it is free.

SQLite itself waits ever longer between its looks, up to 100 ms: whoever lets others write now and then, as the purge
does, would have to pause for so long each time, or they would starve.

Those who wait are seen to (sqlite_queue.py), and go first.
"""

import sqlite3
import time
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError

from ledger.clock import Clock, SystemClock
from ledger.store import sqlite_file
from ledger.store.sqlite_queue import Waiting, let_go_first

# A look costs some 20 microseconds.
BETWEEN_LOOKS_SECONDS, SOON_SECONDS = 0.001, 0.1
BETWEEN_LATER_LOOKS_SECONDS = 0.005
# Earlier releases are not seen to wait, and look each millisecond.
PAUSE_SECONDS, MOST_PATIENCE_SECONDS = 0.0015, 0.05
# Straight to the driver: each record pays for it.
BEGIN = "BEGIN IMMEDIATE"
# Others hold the lock in the machine's time, whatever the ledger's clock says.
WAITING: Clock = SystemClock()


def take(driver: Any, busy_seconds: float) -> None:
    """Begin a transaction that writes, on a driver's connection; raise OperationalError when others do for so long."""
    _wait_by_itself(driver, 0)
    try:
        started = time.monotonic()
        with Waiting(partial(sqlite_file.path_of, driver)) as waiting:
            while True:
                waited = time.monotonic() - started
                try:
                    driver.execute(BEGIN)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or waited > busy_seconds:
                        raise OperationalError(BEGIN, None, error) from error
                else:
                    return
                waiting.join()
                WAITING.sleep(BETWEEN_LOOKS_SECONDS if waited < SOON_SECONDS else BETWEEN_LATER_LOOKS_SECONDS)
    finally:
        # For what else may be locked, such as a file that is just being recovered.
        _wait_by_itself(driver, busy_seconds)


def let_others_write(path: str | None) -> None:
    """Let those go first who wait for the write lock of a database, as long as that is not very long."""
    WAITING.sleep(PAUSE_SECONDS)
    let_go_first(path, WAITING, MOST_PATIENCE_SECONDS)


def _wait_by_itself(driver: Any, seconds: float) -> None:
    driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
