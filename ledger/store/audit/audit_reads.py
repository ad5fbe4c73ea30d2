"""Rows of `audit_reads`, who read the audit over HTTP, and of `audit_read_seals`, up to which they are sealed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text

from ledger.core.audit.reads import Read, digest_of
from ledger.core.json_value import jsonable
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.schema import audit_read_seals, audit_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """What is not sealed yet: after which reading, how many, since when."""

    after: int
    last: int
    count: int
    since: datetime | None


def lock(connection: Connection) -> None:
    """Let one transaction at a time add or seal: a number that comes late would stand in a part that is sealed."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger audit reads'))"))


def add(connection: Connection, reads: Sequence[Read]) -> None:
    """Add readings, in a transaction that has the lock."""
    names = ("at", "actor", "route", "recall_id", "filters", "rows", "times")
    connection.execute(insert(audit_reads), [{name: getattr(one, name) for name in names} for one in reads])


def newest(connection: Connection, limit: int | None) -> Iterator[Read]:
    """Yield readings, newest first."""
    columns = [column for column in audit_reads.c if column.name != "id"]
    statement = select(*columns).order_by(audit_reads.c.id.desc()).limit(limit)
    for row in connection.execute(statement.execution_options(yield_per=1000)):
        yield Read(**row._mapping)


def unsealed(connection: Connection) -> Unsealed:
    """Return what no entry of the history holds yet."""
    after = sealed_up_to(connection)
    columns = (func.max(audit_reads.c.id), func.count(), func.min(audit_reads.c.at))
    last, count, since = connection.execute(select(*columns).where(audit_reads.c.id > after)).one()
    return Unsealed(after=after, last=last or after, count=count, since=since)


def sealed_up_to(connection: Connection) -> int:
    """Return the last reading that some entry of the history holds."""
    return connection.scalar(select(func.max(audit_read_seals.c.last))) or 0


def note_sealed(connection: Connection, last: int) -> None:
    """Note that an entry holds all up to one."""
    connection.execute(insert(audit_read_seals).values(last=last))


def up_to(connection: Connection, last: int) -> list[int]:
    """Return the numbers of readings up to one, whatever somebody made of them."""
    return list(connection.scalars(select(audit_reads.c.id).where(audit_reads.c.id <= last).order_by(audit_reads.c.id)))


def let_go(connection: Connection, last: int) -> None:
    """Delete the readings up to one; the last seal stays, after which the next one begins."""
    connection.execute(delete(audit_reads).where(audit_reads.c.id <= last))


def digest_between(connection: Connection, after: int, last: int) -> tuple[int, str]:
    """Return number and digest of the readings after one and up to another, whatever somebody made of them."""
    return digest_of(_rows(connection, after, last))


def _rows(connection: Connection, after: int, last: int) -> Iterator[Mapping[str, Any]]:
    names = [column.name for column in audit_reads.c]
    part = [audit_reads.c.id > after, audit_reads.c.id <= last]
    for cells in raw_rows(connection, list(audit_reads.c), audit_reads.c.id, part):
        yield jsonable(dict(zip(names, cells, strict=True)))
