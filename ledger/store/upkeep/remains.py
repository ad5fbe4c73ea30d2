"""What deleted rows leave in the files of a database, taken out as far as the database can."""

import sqlite3
from typing import Any

from ledger.store.database import Database
from ledger.store.schema import (
    answers,
    correction_sends,
    corrections,
    keyless_sends,
    message_events,
    messages,
    person_commitments,
    person_secrets,
    recall_items,
    recall_skips,
    recalls,
)

TABLES = (
    *(messages, keyless_sends, message_events, recall_items, recall_skips, recalls, corrections, correction_sends),
    *(answers, person_commitments, person_secrets),
)
INDEXES = ("ix_messages_recipients", "ix_recall_items_recipients")
_ELSE = "run the same again once nothing else uses the database"


def overwrite(connection: Any, *, on: bool) -> None:
    """Let SQLite overwrite what is deleted with zeros, in this transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA secure_delete={int(on)}")


def take_out(database: Database) -> str | None:
    """Rewrite what may hold something deleted; return what could not be done, None when all was.

    SQLite's file is written anew, and its log emptied. PostgreSQL frees its dead rows, forgets its samples of values,
    and makes the indexes of recipients anew, since they keep each value that they ever had.
    """
    connection = database.engine.raw_connection()
    try:
        if database.is_sqlite:
            return _rewrite_file(connection.driver_connection)
        return _free_rows(connection.driver_connection)
    finally:
        # Nobody else is to get it as it is now.
        connection.invalidate()


def _rewrite_file(driver: Any) -> str | None:
    try:
        driver.execute("VACUUM")
        is_busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error as error:
        return f"the file was not written anew ({error}): {_ELSE}"
    return f"the log beside the file could not be emptied: {_ELSE}" if is_busy else None


def _free_rows(driver: Any) -> str | None:
    import psycopg

    # Who does not own a table may not free its rows: the server passes it over, with a warning.
    warnings: list[str] = []
    driver.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    try:
        driver.rollback()
        driver.autocommit = True
        for table in TABLES:
            driver.execute(f"VACUUM (ANALYZE) {table.name}")
        for index in INDEXES:
            driver.execute(f"REINDEX INDEX CONCURRENTLY {index}")
        # The samples of values are rows, too.
        driver.execute("VACUUM pg_statistic")
    except psycopg.Error as error:
        warnings.append(str(error).splitlines()[0])
        if not isinstance(error, psycopg.errors.InsufficientPrivilege):
            return _not_freed(warnings[-1], _ELSE)
    if warnings:
        return _not_freed(warnings[0], "run the same again as the role that owns the tables and the database")
    return None


def _not_freed(why: str, what_to_do: str) -> str:
    return f"the dead rows were not all freed ({why}): {what_to_do}"
