"""The names that the ledger knows, as far as somebody may see them: campaigns, robots, and users of late.

There may be millions of users: only those of the newest messages are looked at.
"""

from sqlalchemy import ColumnElement, Connection, func, select, true

from ledger.core.bounds import Bounds
from ledger.store.people import each_recipient
from ledger.store.schema import message_counts, messages
from ledger.store.selecting import in_bounds

_NEWEST_MESSAGES = 5000


def known_campaigns(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return campaigns of which there are messages."""
    return _counted(connection, message_counts.c.campaign, bounds, most)


def known_robots(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return robots of which there are messages."""
    return _counted(connection, message_counts.c.robot_code, bounds, most)


def _counted(connection: Connection, name: ColumnElement[str], bounds: Bounds, most: int) -> list[str]:
    wanted = select(name).where(name != "", *in_bounds(bounds, message_counts)).group_by(name)
    there = wanted.having(func.sum(message_counts.c.messages) > 0)
    return list(connection.scalars(there.limit(most)))


def known_users(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return whom the newest messages reached."""
    newest = (select(messages.c.recipients).where(*in_bounds(bounds, messages)).order_by(messages.c.id.desc())).limit(
        _NEWEST_MESSAGES
    )
    table = newest.subquery("newest")
    each, user = each_recipient(table, is_sqlite=connection.dialect.name == "sqlite")
    people = select(user).distinct().select_from(table.join(each, true()))
    return list(connection.scalars(people.limit(most)))
