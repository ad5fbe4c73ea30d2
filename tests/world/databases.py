"""A fresh database for each day, and connections to it on which everything can go wrong."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import event

from ledger.store import migrate
from ledger.store.database import Database
from tests.databases import PostgreSQL


class Listener(Protocol):
    """Who is told of every transaction, and may let it fail."""

    def before_transaction(self) -> None:
        """Take note of a transaction that is about to begin."""

    def before_commit(self) -> bool:
        """Say whether the connection breaks before a commit."""

    def after_commit(self) -> bool:
        """Say whether the connection breaks after a commit."""


class Tapped:
    """An opened database with a listener; between days it is kept, for the statements that it has compiled."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.listener: Listener | None = None
        engine = self.database.engine
        if self.database.is_sqlite:
            event.listen(engine, "connect", _forget_power_cuts)
        event.listen(engine, "checkout", self._before_transaction)
        self._commit, self._error = engine.dialect.do_commit, engine.dialect.loaded_dbapi.OperationalError
        engine.dialect.do_commit = self._do_commit  # type: ignore[method-assign, assignment]

    def rest(self) -> None:
        """Close every connection."""
        self.listener = None
        self.database.close()

    def _before_transaction(self, _connection: object, _record: object, _proxy: object) -> None:
        if self.listener is not None:
            self.listener.before_transaction()

    def _do_commit(self, connection: Any) -> None:
        listener = self.listener
        if listener is not None and listener.before_commit():
            raise self._error("the connection to the database was lost")
        self._commit(connection)
        if listener is not None and listener.after_commit():
            raise self._error("the connection to the database was lost")


class Makes(ABC):
    """Makes databases, one a day, all of one URL."""

    url: str

    def __init__(self) -> None:
        self._resting: list[Tapped] = []
        self._out: list[Tapped] = []

    @contextmanager
    def fresh(self) -> Iterator[None]:
        """Provide a database with the ledger's tables and nothing in them for the time of a day."""
        self.create()
        try:
            yield
        finally:
            for tapped in self._out:
                tapped.rest()
            self._resting, self._out = self._out + self._resting, []
            self.delete()

    def open(self) -> Tapped:
        """Return connections of their own."""
        tapped = self._resting.pop(0) if self._resting else Tapped(self.url)
        self._out.append(tapped)
        return tapped

    @abstractmethod
    def create(self) -> None:
        """Make the database."""

    @abstractmethod
    def delete(self) -> None:
        """Delete it."""


class Files(Makes):
    """SQLite files, copied from one that was migrated."""

    def __init__(self, folder: Path, template: Path | None = None) -> None:
        super().__init__()
        self._path, self._template = folder / "day.sqlite", template or folder / "template.sqlite"
        self.url = f"sqlite:///{self._path}"
        if template is None:
            database = Database(f"sqlite:///{self._template}")
            migrate.upgrade(database)
            database.close()

    def create(self) -> None:
        """Copy the template."""
        shutil.copy(self._template, self._path)

    def delete(self) -> None:
        """Delete the file, and what SQLite keeps beside it."""
        for left in self._path.parent.glob("day.sqlite*"):
            left.unlink()


class Servers(Makes):
    """One database of a PostgreSQL server, emptied after each day."""

    def __init__(self, server: PostgreSQL) -> None:
        super().__init__()
        self._server, self.url = server, server.create()

    def create(self) -> None:
        """Leave it as it is: empty since it was made or deleted."""

    def delete(self) -> None:
        """Delete whatever is in it."""
        assert self._server.empty(self.url)


def _forget_power_cuts(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
