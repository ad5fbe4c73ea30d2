"""Messages put into a ledger by the driver itself, where recording them would take too long."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from psycopg.types.json import Jsonb

from ledger.store.database import Database

from .ceilings import WAYS
from .workload import DAY, ROBOT, key_of

ROWS_PER_TRANSACTION = 10_000
SENT_AGO = timedelta(minutes=5)
# Odd, so that no two numbers become the same: user ids come in no order, as a directory hands them out.
_SPREAD, _IDS = 2_654_435_761, 2**32


def fill(url: str, keys: Iterable[str], *, campaign: str, recipients: int = 1, sent_ago: timedelta = SENT_AGO) -> None:
    """Put messages of a campaign into the ledger, sent quickly one after the other some time ago."""
    database = Database(url)
    insert, _ = next(iter(WAYS["sqlite" if database.is_sqlite else "postgresql"].values()))
    rows = _rows(keys, campaign, recipients, sent_ago, is_sqlite=database.is_sqlite)
    connection = database.engine.raw_connection()
    while batch := list(islice(rows, ROWS_PER_TRANSACTION)):
        insert(connection.driver_connection, batch)
    connection.close()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.exec_driver_sql("ANALYZE")
    database.close()


def made_up(campaign: str, count: int) -> Iterator[str]:
    """Yield keys that DingTalk never heard of."""
    return (key_of(f"{campaign}/{number}") for number in range(count))


def user_id(number: int) -> str:
    """Return whom a message of this number went to; each campaign begins anew."""
    return f"{number * _SPREAD % _IDS:010}"


def _rows(
    keys: Iterable[str], campaign: str, recipients: int, sent_ago: timedelta, *, is_sqlite: bool
) -> Iterator[tuple[Any, ...]]:
    start = datetime.now(UTC) - sent_ago
    for number, key in enumerate(keys):
        sent_at = start + timedelta(milliseconds=number / 10)
        users = [user_id(number * recipients + one) for one in range(recipients)]
        times: tuple[Any, ...] = (sent_at, sent_at + DAY)
        undelivered: Any = Jsonb({})
        stored_users: Any = users
        if is_sqlite:
            times = tuple(f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in times)
            undelivered, stored_users = "{}", json.dumps(users)
        yield ROBOT, key, "one_to_one", campaign, *times, stored_users, recipients, undelivered, times[0]
