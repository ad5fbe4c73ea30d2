"""Rows of `paces`: the rate that all processes share, for each app and API."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from ledger.core.recalls.pace import Pace
from ledger.store.dialects import insert_into
from ledger.store.schema import paces

# A ban concerns the address, so it holds for what was never called before as well.
_BANNED_UNTIL = select(func.max(paces.c.blocked_until))
_HERE = (paces.c.app == bindparam("app")) & (paces.c.api == bindparam("api"))
_ONE: Select[Any] = select(paces.c.next_at, paces.c.share, paces.c.blocked_until).where(_HERE)
_ONE_LOCKED = _ONE.with_for_update()
_SHARE = select(paces.c.share).where(_HERE)
_SAVE = update(paces).where(paces.c.app == bindparam("of_app"), paces.c.api == bindparam("of_api"))


def read_pace(connection: Connection, app: str, api: str) -> Pace:
    """Return the pace of one app and API as it stands, without a lock."""
    row = connection.execute(_ONE, {"app": app, "api": api}).one_or_none()
    return _pace(row) if row is not None else Pace(blocked_until=connection.scalar(_BANNED_UNTIL))


def lock_pace(connection: Connection, app: str, api: str) -> Pace:
    """Return the pace of one app and API, locked against every other process until the transaction ends."""
    here = {"app": app, "api": api}
    row = connection.execute(_ONE_LOCKED, here).one_or_none()
    if row is None:
        first = {**here, "share": 1.0, "blocked_until": _BANNED_UNTIL.scalar_subquery()}
        new = insert_into(connection, paces).values(first)
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(_ONE_LOCKED, here).one()
    return _pace(row)


def _pace(row: Row[Any]) -> Pace:
    return Pace(next_at=row.next_at, share=row.share, blocked_until=row.blocked_until)


def is_whole(connection: Connection, app: str, api: str) -> bool:
    """Say, without a lock, whether one app and API may use all of its rate."""
    return connection.scalar(_SHARE, {"app": app, "api": api}) == 1.0


def save_pace(connection: Connection, app: str, api: str, pace: Pace) -> None:
    """Write back a pace that was locked in this transaction."""
    values = {"next_at": pace.next_at, "share": pace.share, "blocked_until": pace.blocked_until}
    connection.execute(_SAVE, {"of_app": app, "of_api": api, **values})


def block_all(connection: Connection, until: datetime) -> None:
    """Hold back every app's calls until a moment: a ban concerns the address, not the app."""
    later = (paces.c.blocked_until.is_(None)) | (paces.c.blocked_until < until)
    connection.execute(update(paces).where(later).values(blocked_until=until))
