"""What messages say, as far as it is kept: counted, and forgotten."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, Text, func, or_, select, update

from ledger.core.access.bounds import Bounds
from ledger.core.recalls.recall import PlannedExcerpt
from ledger.store.recording.selecting import among, in_bounds, rows_of
from ledger.store.schema import messages

MOST_EXCERPTS = 3


def most_frequent(connection: Connection, ids: Collection[int]) -> tuple[PlannedExcerpt, ...]:
    """Return the excerpts that most of some messages have, the most frequent first."""
    if not ids:
        return ()
    return _counted(connection, among(messages.c.id, list(ids), is_sqlite=connection.dialect.name == "sqlite"))


def newest_of(connection: Connection, campaigns: Collection[str], bounds: Bounds) -> dict[str, str]:
    """Return what the newest message within bounds that says anything says, of each campaign that has one."""
    if not campaigns:
        return {}
    each = rows_of(connection, campaign=[(one, Text) for one in sorted(campaigns)])
    mine = (messages.c.campaign == each.c.campaign) & messages.c.excerpt.is_not(None)
    newest = select(messages.c.excerpt).where(mine, *in_bounds(bounds, messages)).correlate(each)
    newest = newest.order_by(messages.c.deadline.desc(), messages.c.id.desc()).limit(1)
    rows = connection.execute(select(each.c.campaign, newest.scalar_subquery().label("excerpt")))
    return {row.campaign: row.excerpt for row in rows if row.excerpt is not None}


def _counted(connection: Connection, where: ColumnElement[bool]) -> tuple[PlannedExcerpt, ...]:
    count = func.count().label("n")
    found = select(messages.c.excerpt, count).where(messages.c.excerpt.is_not(None), where)
    found = found.group_by(messages.c.excerpt).order_by(count.desc(), messages.c.excerpt).limit(MOST_EXCERPTS)
    return tuple(PlannedExcerpt(excerpt=row.excerpt, messages=row.n) for row in connection.execute(found))


def count_of(connection: Connection, user: str, named: ColumnElement[bool]) -> int:
    """Return of how many messages an excerpt is kept that were for a user, or name them in it."""
    return connection.scalar(select(func.count()).select_from(messages).where(*_about(user, named))) or 0


def forget_of(connection: Connection, user: str, named: ColumnElement[bool]) -> int:
    """Delete these excerpts; return how many there were."""
    count = count_of(connection, user, named)
    if count:
        connection.execute(update(messages).where(*_about(user, named)).values(excerpt=None))
    return count


def _about(user: str, named: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    said = messages.c.excerpt.contains(user, autoescape=True)
    return messages.c.excerpt.is_not(None), or_(named, said)
