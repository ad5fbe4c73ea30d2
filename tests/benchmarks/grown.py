"""A ledger of a given size, put there by the driver as fast as it goes: what is measured comes after it.

A day of 40 campaigns to 200,000 people, some of it past its window; and beside it one campaign of 100,000 messages,
sent just now, which is to be recalled. Only the number of messages differs between sizes.
"""

import base64
import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from multiprocessing import get_context
from typing import Any

import psycopg
from sqlalchemy import Connection

from ledger.store.campaigns.campaign_people import CountedPeople, add_up_counts, keep_people
from ledger.store.campaigns.campaigns import count_campaigns
from ledger.store.database import Database

from .workload import COLUMNS, DAY, ROBOT

CAMPAIGNS, PEOPLE = 40, 200_000
OOPS, MOST_OOPS = "oops", 100_000
MOST_PAST = 200_000
ROWS_PER_TRANSACTION = 10_000
# Of PostgreSQL: processes, and how many messages each takes at a time.
WRITERS, PART = 8, 100_000
_WHILE_FILLING = (
    "max_wal_size = '8GB'",
    "checkpoint_timeout = '30min'",
    "synchronous_commit = off",
    "autovacuum = off",
)
_RELOAD, _EMPTY_PENDING = "SELECT pg_reload_conf()", "SELECT gin_clean_pending_list('ix_messages_recipients')"
_INDEXING = "messages_index_recipients"
_INDEX_ALL = """
    INSERT INTO message_recipients (sent_hour, user_id, message_id)
    SELECT CAST(strftime('%s', sent_at) AS INTEGER) / 3600, value, messages.id
    FROM messages, json_each(recipients) ORDER BY 1, 2, 3
"""
_INTO = f"messages ({', '.join(COLUMNS)})"
_TIMES = {"sqlite": "%Y-%m-%d %H:%M:%S.%f", "postgresql": "%Y-%m-%d %H:%M:%S.%f+00"}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """So many messages of the day, to so many recipients each, in a database of this kind."""

    name: str
    day: int
    recipients: int
    now: datetime

    @property
    def past(self) -> int:
        """How many of them are past their window."""
        return min(self.day // 2, MOST_PAST)

    @property
    def oops(self) -> int:
        """How many are to be recalled, beside the day."""
        return min(self.day, MOST_OOPS)

    @property
    def messages(self) -> int:
        """How many there are in all."""
        return self.day + self.oops

    def users(self, number: int) -> list[str]:
        """Return whom a message went to."""
        groups = _groups(self.recipients)
        return groups[number % len(groups)]

    def rows(self, numbers: range) -> Iterator[Row]:
        """Yield messages as the driver takes them, with times and lists as text."""
        recorded_at, groups = self._text(self.now), _written_groups(self.name, self.recipients)
        for number in numbers:
            sent_at = self._sent_at(number)
            times, users = (self._text(sent_at), self._text(sent_at + DAY)), groups[number % len(groups)]
            campaign = self._campaign(number)
            yield ROBOT, key(number), "one_to_one", campaign, *times, users, self.recipients, "{}", recorded_at

    def _campaign(self, number: int) -> str:
        if number < self.day:
            return f"campaign-{number * CAMPAIGNS // self.day}"
        return OOPS if number < self.messages else "beside"

    def _sent_at(self, number: int) -> datetime:
        """Spread what is past over hours 30 to 25 before now, the rest over the last five, `oops` over minutes."""
        if number >= self.messages:
            return self.now
        if number >= self.day:
            return self.now - timedelta(minutes=10) * (1 - (number - self.day) / self.oops)
        if number < self.past:
            return self.now - timedelta(hours=30) + timedelta(hours=5) * (number / self.past)
        return self.now - timedelta(hours=5) * (1 - (number - self.past) / (self.day - self.past))

    def _text(self, moment: datetime) -> str:
        return moment.strftime(_TIMES[self.name])


@cache
def _groups(recipients: int) -> list[list[str]]:
    """Return everybody once, so many at a time, in no order, as a directory hands them out."""
    people = [f"{700_000_000 + 37 * number}" for number in range(PEOPLE)]
    random.Random(7).shuffle(people)  # noqa: S311  (the same order on every run, no secret)
    return [people[start : start + recipients] for start in range(0, PEOPLE, recipients)]


@cache
def _written_groups(name: str, recipients: int) -> list[str]:
    if name == "sqlite":
        return [json.dumps(group, separators=(",", ":")) for group in _groups(recipients)]
    return ["{" + ",".join(group) + "}" for group in _groups(recipients)]


def fill_day(url: str, grown: Grown) -> None:
    """Write the messages of the day by whatever way is quick: nobody measures it."""
    if grown.name == "sqlite":
        _fill_sqlite(url, grown)
        return
    with _changed_settings(url):
        parts = [range(start, min(start + PART, grown.day)) for start in range(0, grown.day, PART)]
        with ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
            list(pool.map(partial(_copy_part, url, grown), parts))


def fill_oops(database: Database, grown: Grown) -> None:
    """Write the messages that are to be recalled, as a driver does."""
    connection = database.engine.raw_connection()
    _insert(connection.driver_connection, grown, range(grown.day, grown.messages))
    connection.close()


def _insert(connection: Any, grown: Grown, numbers: range) -> None:
    insert: Callable[[Any, Sequence[Row]], None] = _executemany if grown.name == "sqlite" else _copy
    for start in range(numbers.start, numbers.stop, ROWS_PER_TRANSACTION):
        insert(connection, list(grown.rows(range(start, min(start + ROWS_PER_TRANSACTION, numbers.stop)))))


def _copy_part(url: str, grown: Grown, numbers: range) -> None:
    database = Database(url)
    pooled = database.engine.raw_connection()
    connection: Any = pooled.driver_connection
    for setting in ("gin_pending_list_limit", "work_mem"):
        connection.execute(f"SET {setting} = '256MB'")
    _insert(connection, grown, numbers)
    pooled.close()
    database.close()


@contextmanager
def _changed_settings(url: str) -> Iterator[None]:
    """Write ahead as little as can be, and leave nothing of it to those who are measured."""
    database = Database(url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        for statement in (*(f"ALTER SYSTEM SET {one}" for one in _WHILE_FILLING), _RELOAD):
            plain.exec_driver_sql(statement)
        yield
        for statement in ("ALTER SYSTEM RESET ALL", _RELOAD, _EMPTY_PENDING):
            plain.exec_driver_sql(statement)
    database.close()


def _fill_sqlite(url: str, grown: Grown) -> None:
    """Fill the index of recipients last, in its order: a page of it is written once, and not a thousand times."""
    database = Database(url)
    pooled = database.engine.raw_connection()
    connection: Any = pooled.driver_connection
    trigger = connection.execute(f"SELECT sql FROM sqlite_master WHERE name = '{_INDEXING}'").fetchone()[0]  # noqa: S608
    connection.execute("PRAGMA cache_size = -1000000")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"DROP TRIGGER {_INDEXING}")
    _insert(connection, grown, range(grown.day))
    connection.execute(_INDEX_ALL)
    connection.execute(trigger)
    pooled.close()
    database.close()


def settle(database: Database, now: datetime) -> None:
    """Do what a worker, and PostgreSQL by itself, have done an hour later; nothing of it runs beside what is measured.

    People of each campaign are said to have been counted: that is measured by itself.
    """
    with database.write() as connection:
        add_up_counts(connection)
        _count_people(connection, now)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        if not database.is_sqlite:
            plain.exec_driver_sql("ALTER SYSTEM SET autovacuum = off")
            plain.exec_driver_sql("SELECT pg_reload_conf()")
        plain.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")
        if not database.is_sqlite:
            plain.exec_driver_sql("CHECKPOINT")


def _count_people(connection: Connection, now: datetime) -> None:
    people = {
        one.line.campaign: CountedPeople(people=PEOPLE, changes=one.changes, counted_at=now)
        for one in count_campaigns(connection, now)
    }
    keep_people(connection, (), people)


def key(number: int) -> str:
    """Return a key as DingTalk gives them: base64 without any order."""
    return base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode()


def _executemany(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO {_INTO} VALUES ({', '.join('?' * len(COLUMNS))})", rows)  # noqa: S608  (names of our own)
    connection.execute("COMMIT")


def _copy(connection: psycopg.Connection[Any], rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {_INTO} FROM STDIN".encode()) as copy:
        copy.write("".join("\t".join(map(str, row)) + "\n" for row in rows))
    connection.commit()
