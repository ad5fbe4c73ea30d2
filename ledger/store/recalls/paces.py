"""Rows of `paces`: the rate that all processes share, for each app and API."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from ledger.core.recalls.pace import Pace
from ledger.store.dialects import insert_into
from ledger.store.schema import paces

# A ban concerns the address, so it holds for what was never called before as well.
_BANNED_UNTIL = select(func.max(paces.c.blocked_until))


def read_pace(connection: Connection, app: str, api: str) -> Pace:
    """Return the pace of one app and API as it stands, without a lock."""
    row = connection.execute(_select(app, api)).one_or_none()
    return _pace(row) if row is not None else Pace(blocked_until=connection.scalar(_BANNED_UNTIL))


def lock_pace(connection: Connection, app: str, api: str) -> Pace:
    """Return the pace of one app and API, locked against every other process until the transaction ends."""
    statement = _select(app, api).with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        first = {"app": app, "api": api, "share": 1.0, "blocked_until": _BANNED_UNTIL.scalar_subquery()}
        new = insert_into(connection, paces).values(first)
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(statement).one()
    return _pace(row)


def _select(app: str, api: str) -> Select[Any]:
    columns = (paces.c.next_at, paces.c.share, paces.c.blocked_until)
    return select(*columns).where(paces.c.app == app, paces.c.api == api)


def _pace(row: Row[Any]) -> Pace:
    return Pace(next_at=row.next_at, share=row.share, blocked_until=row.blocked_until)


def is_whole(connection: Connection, app: str, api: str) -> bool:
    """Say, without a lock, whether one app and API may use all of its rate."""
    here = (paces.c.app == app) & (paces.c.api == api)
    return connection.scalar(select(paces.c.share).where(here)) == 1.0


def save_pace(connection: Connection, app: str, api: str, pace: Pace) -> None:
    """Write back a pace that was locked in this transaction."""
    here = (paces.c.app == app) & (paces.c.api == api)
    values = {"next_at": pace.next_at, "share": pace.share, "blocked_until": pace.blocked_until}
    connection.execute(update(paces).where(here).values(values))


def block_all(connection: Connection, until: datetime) -> None:
    """Hold back every app's calls until a moment: a ban concerns the address, not the app."""
    later = (paces.c.blocked_until.is_(None)) | (paces.c.blocked_until < until)
    connection.execute(update(paces).where(later).values(blocked_until=until))
