"""Rows of `chores`: each chore of the workers is done by one of them at a time, by lease."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.store.schema import chores


def take(connection: Connection, name: str, owner: str, now: datetime, lease_until: datetime, due: datetime) -> bool:
    """Take a chore when nobody has it and it was last done before `due`; say whether it is ours."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(chores).values(name=name, owner=owner, lease_until=lease_until).on_conflict_do_nothing()
    if connection.execute(new.execution_options(preserve_rowcount=True)).rowcount == 1:
        return True
    is_due = or_(chores.c.done_at.is_(None), chores.c.done_at <= due)
    free = (chores.c.name == name) & (chores.c.lease_until <= now) & is_due
    return connection.execute(update(chores).where(free).values(owner=owner, lease_until=lease_until)).rowcount == 1


def release(connection: Connection, name: str, owner: str, now: datetime) -> None:
    """Give a chore back as done; nothing happens when its lease went to somebody else."""
    mine = (chores.c.name == name) & (chores.c.owner == owner)
    connection.execute(update(chores).where(mine).values(lease_until=now, done_at=now))


def last_done(connection: Connection, name: str) -> datetime | None:
    """Return when a chore was done last, by whomever."""
    moment: datetime | None = connection.scalar(select(chores.c.done_at).where(chores.c.name == name))
    return moment
