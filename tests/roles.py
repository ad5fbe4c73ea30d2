"""Roles of PostgreSQL that may do less than the owner of the ledger's tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from sqlalchemy import make_url

from ledger.store.upkeep.fitness import rights_needed


def execute(url: str, *statements: str) -> None:
    """Run statements as the owner of a database."""
    owner = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(owner, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def role(url: str, settings: Sequence[str] = (), *, keeps_for_ever: bool = True) -> Iterator[str]:
    """Make a role that has what the ledger needs and no more, and yield the URL with which it comes in.

    What it needs depends on whether the history is kept for ever. `settings` are set for it, as in
    `DateStyle = 'German'`.
    """
    name = f"ledger_test_{uuid4().hex[:12]}"
    grants = [f"GRANT {right} ON {table} TO {name}" for right, table in rights_needed(keeps_for_ever=keeps_for_ever)]
    execute(url, f"CREATE ROLE {name} LOGIN", *(f"ALTER ROLE {name} SET {one}" for one in settings), *grants)
    try:
        yield make_url(url).set(username=name).render_as_string(hide_password=False)
    finally:
        execute(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def name_of(url: str) -> str:
    """Return the name of the role that comes in with a URL."""
    return make_url(url).username or ""
