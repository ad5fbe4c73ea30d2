"""Databases that go away and come back, for real."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from ledger import Ledger


@contextmanager
def away(*books: Ledger) -> Iterator[None]:
    """Make the database of some ledgers unreachable, also for connections that are open."""
    url = books[0].parts.database.url
    if not books[0].parts.database.is_sqlite:
        with _no_connections(url):
            yield
        return
    path = Path(url.database or "")
    for book in books:
        book.parts.database.close()
    names = [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
    moved = [name for name in names if name.exists()]
    for name in moved:
        name.rename(name.with_name(name.name + ".away"))
    _take_the_place(path, names)
    try:
        yield
    finally:
        path.rmdir()
        for name in moved:
            name.with_name(name.name + ".away").rename(name)


def _take_the_place(path: Path, names: list[Path]) -> None:
    """Put a folder where the file was; whoever connected in between has made a new one, without tables."""
    while True:
        try:
            path.mkdir()
            return
        except FileExistsError:
            for name in names:
                name.unlink(missing_ok=True)


@contextmanager
def _no_connections(url: URL) -> Iterator[None]:
    server = make_url(url).set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)

    def allow(flag: str) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS {flag}')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (url.database,)
            )

    allow("false")
    try:
        yield
    finally:
        allow("true")
