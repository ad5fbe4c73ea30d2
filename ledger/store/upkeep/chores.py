"""Rows of `chores`: each chore of the workers is done by one of them at a time, by lease."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from ledger.store.dialects import insert_into
from ledger.store.schema import chores


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may do a chore, from when and for how long, by a clock that nobody sets."""

    owner: str
    begins: datetime
    lasts: timedelta


def take(connection: Connection, name: str, lease: Lease, *, now: datetime, every: timedelta) -> bool:
    """Take a chore when nobody has it and it was not done so lately; say whether it is ours.

    When it was done is a time for people, by the wall clock. That it lies ahead says that somebody set that one back.
    """
    ours = {"owner": lease.owner, "lease_until": lease.begins + lease.lasts}
    new = insert_into(connection, chores).values(name=name, **ours).on_conflict_do_nothing()
    if connection.execute(new.execution_options(preserve_rowcount=True)).rowcount == 1:
        return True
    done_at = chores.c.done_at
    is_due = or_(done_at.is_(None), done_at <= now - every, done_at > now)
    free = (chores.c.name == name) & (chores.c.lease_until <= lease.begins) & is_due
    return connection.execute(update(chores).where(free).values(ours)).rowcount == 1


def release(connection: Connection, name: str, owner: str, lease_now: datetime, *, now: datetime) -> None:
    """Give a chore back as done; nothing happens when its lease went to somebody else."""
    mine = (chores.c.name == name) & (chores.c.owner == owner)
    connection.execute(update(chores).where(mine).values(lease_until=lease_now, done_at=now))


def note_done(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Note that a chore that nobody has to itself is done now; return when it was done before."""
    before = last_done(connection, name)
    new = insert_into(connection, chores).values(name=name, owner="", lease_until=now, done_at=now)
    connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"done_at": now}))
    return before


def last_done(connection: Connection, name: str) -> datetime | None:
    """Return when a chore was done last, by whomever."""
    moment: datetime | None = connection.scalar(select(chores.c.done_at).where(chores.c.name == name))
    return moment
