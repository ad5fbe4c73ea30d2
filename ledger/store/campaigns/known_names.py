"""The names that the ledger knows, as far as somebody may see them: campaigns, robots, and users of late.

There may be millions of users: only those of the newest messages are looked at.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, true

from ledger.core.access.bounds import Bounds
from ledger.store.persons.people import each_recipient
from ledger.store.recording.selecting import in_bounds
from ledger.store.schema import message_counts, messages, recall_items, recalls

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


def ended_campaigns(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return campaigns of which the history has a message, each looked up in an index after the one before it."""
    columns = recall_items.c
    there = (*in_bounds(bounds, recall_items), columns.outcome.is_not(None), columns.campaign.is_not(None))
    first = select(func.min(columns.campaign)).where(*there)
    names = first.cte("names", recursive=True)
    following = first.where(columns.campaign > names.c[0]).scalar_subquery()
    names = names.union_all(select(following).where(names.c[0].is_not(None)))
    return list(connection.scalars(select(names.c[0]).where(names.c[0].is_not(None)).limit(most)))


def ended_robots(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return robots of what ended last."""
    newest = _ended_last(bounds).add_columns(recall_items.c.robot_code).subquery("newest")
    return list(connection.scalars(select(newest.c.robot_code).distinct().limit(most)))


def ended_users(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return whom the messages had reached that ended last."""
    newest = _ended_last(bounds).add_columns(recall_items.c.recipients).subquery("newest")
    each, user = each_recipient(newest, is_sqlite=connection.dialect.name == "sqlite")
    people = select(user).distinct().select_from(newest.join(each, true()))
    return list(connection.scalars(people.limit(most)).all())


def known_actors(connection: Connection, most: int) -> list[str]:
    """Return who planned recalls."""
    return list(connection.scalars(select(recalls.c.actor).distinct().limit(most)))


def _ended_last(bounds: Bounds) -> Select[Any]:
    columns = recall_items.c
    ended = select(columns.id).where(columns.outcome.is_not(None), *in_bounds(bounds, recall_items))
    return ended.order_by(columns.finished_at.desc(), columns.id.desc()).limit(_NEWEST_MESSAGES)


def known_users(connection: Connection, bounds: Bounds, most: int) -> list[str]:
    """Return whom the newest messages reached."""
    newest = (select(messages.c.recipients).where(*in_bounds(bounds, messages)).order_by(messages.c.id.desc())).limit(
        _NEWEST_MESSAGES
    )
    table = newest.subquery("newest")
    each, user = each_recipient(table, is_sqlite=connection.dialect.name == "sqlite")
    people = select(user).distinct().select_from(table.join(each, true()))
    return list(connection.scalars(people.limit(most)).all())
