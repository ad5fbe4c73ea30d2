"""SQLite's write lock, taken soon after it is free.

SQLite itself waits ever longer between its looks, up to 100 ms: whoever lets others write now and then, as the purge
does, would have to pause for so long each time, or they would starve.
"""

import sqlite3
import time
from typing import Any

from sqlalchemy.exc import OperationalError

from ledger.clock import Clock, SystemClock

# A look costs some 20 microseconds.
BETWEEN_LOOKS_SECONDS, SOON_SECONDS = 0.001, 0.1
BETWEEN_LATER_LOOKS_SECONDS = 0.005
# Straight to the driver: each record pays for it.
BEGIN = "BEGIN IMMEDIATE"
# Others hold the lock in the machine's time, whatever the ledger's clock says.
WAITING: Clock = SystemClock()


def take(driver: Any, busy_seconds: float) -> None:
    """Begin a transaction that writes, on a driver's connection; raise OperationalError when others do for so long."""
    _wait_by_itself(driver, 0)
    try:
        started = time.monotonic()
        while True:
            waited = time.monotonic() - started
            try:
                driver.execute(BEGIN)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or waited > busy_seconds:
                    raise OperationalError(BEGIN, None, error) from error
            else:
                return
            WAITING.sleep(BETWEEN_LOOKS_SECONDS if waited < SOON_SECONDS else BETWEEN_LATER_LOOKS_SECONDS)
    finally:
        # For what else may be locked, such as a file that is just being recovered.
        _wait_by_itself(driver, busy_seconds)


def _wait_by_itself(driver: Any, seconds: float) -> None:
    driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
