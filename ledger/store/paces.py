"""Rows of `paces` and `usage`: the rate that all processes share, and the calls of the month."""

from datetime import datetime

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.core.pace import Pace
from ledger.store.schema import paces, usage


def lock_pace(connection: Connection, app: str, api: str) -> Pace:
    """Return the pace of one app and API, locked against every other process until the transaction ends."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    here = (paces.c.app == app) & (paces.c.api == api)
    statement = select(paces.c.next_at, paces.c.share, paces.c.blocked_until).where(here).with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        connection.execute(insert(paces).values(app=app, api=api, share=1.0).on_conflict_do_nothing())
        row = connection.execute(statement).one()
    return Pace(next_at=row.next_at, share=row.share, blocked_until=row.blocked_until)


def save_pace(connection: Connection, app: str, api: str, pace: Pace) -> None:
    """Write back a pace that was locked in this transaction."""
    here = (paces.c.app == app) & (paces.c.api == api)
    values = {"next_at": pace.next_at, "share": pace.share, "blocked_until": pace.blocked_until}
    connection.execute(update(paces).where(here).values(values))


def count_usage(connection: Connection, app: str, month: str, calls: int) -> None:
    """Add calls (or take back, when negative) to what an app has used of the month's quota."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(usage).values(app=app, month=month, calls=max(calls, 0))
    grown = {"calls": usage.c.calls + calls}
    connection.execute(statement.on_conflict_do_update(index_elements=["app", "month"], set_=grown))


def used_calls(connection: Connection, month: str) -> int:
    """Return the calls of the month over all apps: the quota is the organisation's."""
    return connection.scalar(select(func.coalesce(func.sum(usage.c.calls), 0)).where(usage.c.month == month)) or 0


def block_all(connection: Connection, until: datetime) -> None:
    """Hold back every app's calls until a moment: a ban concerns the address, not the app."""
    later = (paces.c.blocked_until.is_(None)) | (paces.c.blocked_until < until)
    connection.execute(update(paces).where(later).values(blocked_until=until))
