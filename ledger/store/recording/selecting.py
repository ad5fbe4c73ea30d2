"""From a Selection to conditions in SQL; the one place where the two databases look for user ids differently."""

import json
from collections.abc import Collection
from itertools import islice
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Dialect,
    FromClause,
    Select,
    Text,
    TypeDecorator,
    and_,
    any_,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement

from ledger.core.access.bounds import Bounds, split
from ledger.core.cursor import LARGEST_ID, Place
from ledger.core.recalls.selection import Selection
from ledger.store.numbers import NumberArray
from ledger.store.schema import keyless_sends, message_recipients, messages, recall_item_recipients, recall_items

_AT_ONCE = 10_000


class _JsonList(TypeDecorator[Collection[int]]):
    """Numbers as one parameter for SQLite."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str:
        return _json_list(value)


def among(column: ColumnElement[Any], values: Collection[Any], *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return `column IN values` as a single parameter, so that 100,000 values are no more trouble than one."""
    if is_sqlite:
        return column.in_(select(func.json_each(_json_list(values)).table_valued("value").c.value))
    if isinstance(column.type, BigInteger):
        return column == any_(literal(values, NumberArray()))
    return column == any_(literal(list(values), ARRAY(column.type)))


def among_given(column: ColumnElement[int], name: str, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return the same condition on numbers that are given by a name when the statement runs: it is made only once."""
    if is_sqlite:
        given = bindparam(name, type_=_JsonList())
        return column.in_(select(func.json_each(given).table_valued("value").c.value))
    return column == any_(bindparam(name, type_=NumberArray()))


def among_many(column: ColumnElement[int], values: Collection[int], *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return the same condition for where rows are looked through anyway, and no index is asked for the values.

    PostgreSQL looks each row up in a table of them then, and does not weigh them one by one before it begins.
    """
    if is_sqlite:
        return among(column, values, is_sqlite=True)
    return column.in_(select(func.unnest(literal(values, NumberArray()))))


def at_most(limit: int | None) -> int | None:
    """Return a limit as databases take it: more rows than they can count are no limit."""
    return None if limit is None or limit > LARGEST_ID else limit


def _json_list(values: Collection[Any]) -> str:
    """Return values as JSON; some at a time, since a million numbers that are packed would be large as objects."""
    every = iter(values)
    parts = (json.dumps(some)[1:-1] for some in iter(lambda: list(islice(every, _AT_ONCE)), []))
    return f"[{','.join(parts)}]"


def beyond(
    time: ColumnElement[Any], number: ColumnElement[Any], after: Place, *, descending: bool
) -> ColumnElement[bool]:
    """Return the condition for rows after a place; its first part is what an index begins with."""
    moment, last = after
    if descending:
        return and_(time <= moment, or_(time < moment, number < last))
    return and_(time >= moment, or_(time > moment, number > last))


def rows_of(connection: Connection, **columns: list[tuple[Any, Any]]) -> FromClause:
    """Return rows of Python values, a list of pairs of value and type a column, as a table in few parameters."""
    names = list(columns)
    if connection.dialect.name == "sqlite":
        tuples = list(zip(*([value for value, _ in cells] for cells in columns.values()), strict=True))
        each = func.json_each(json.dumps(tuples)).table_valued("value")
        parts = [func.json_extract(each.c.value, f"$[{place}]").label(name) for place, name in enumerate(names)]
        return select(*parts).subquery()
    arrays = [literal([value for value, _ in cells], ARRAY(cells[0][1])) for cells in columns.values()]
    return func.unnest(*arrays).table_valued(*names).render_derived()


def selected_messages(selection: Selection, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of `messages` is selected."""
    conditions = _common(selection, messages, is_sqlite=is_sqlite)
    if selection.expires_until is not None:
        conditions += [messages.c.expires_at.is_not(None), messages.c.expires_at <= selection.expires_until]
    if selection.users:
        found = _messages_of_users(selection) if is_sqlite else _overlaps(messages, selection)
        conditions.append(found)
    return conditions


def selected_sends(selection: Selection, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of `keyless_sends` is selected; who names keys means none of them."""
    if selection.keys or selection.expires_until is not None:
        return [false()]
    conditions = _common(selection, keyless_sends, is_sqlite=is_sqlite)
    if selection.users:
        conditions.append(_sends_to_users(selection) if is_sqlite else _overlaps(keyless_sends, selection))
    return conditions


def selected_items(selection: Selection, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of `recall_items` is selected."""
    conditions = _common(selection, recall_items, is_sqlite=is_sqlite)
    if selection.users:
        found = _items_of_users(selection) if is_sqlite else _overlaps(recall_items, selection)
        conditions.append(found)
    return conditions


def _common(selection: Selection, table: FromClause, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    columns = table.c
    conditions: list[ColumnElement[bool]] = [true()]
    if selection.campaigns:
        conditions.append(columns.campaign.in_(sorted(selection.campaigns)))
    if selection.untagged:
        conditions.append(columns.campaign.is_(None))
    if selection.source is not None:
        conditions.append(columns.source == selection.source)
    if selection.robot is not None:
        conditions.append(columns.robot_code == selection.robot)
    conditions += in_bounds(selection.bounds, table)
    if selection.keys:
        conditions.append(among(columns.process_query_key, sorted(selection.keys), is_sqlite=is_sqlite))
    if selection.since is not None:
        conditions.append(columns.sent_at >= selection.since)
    if selection.until is not None:
        conditions.append(columns.sent_at < selection.until)
    return conditions


def in_bounds(bounds: Bounds, table: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of a table with robots and campaigns is within bounds."""
    columns = table.c
    conditions: list[ColumnElement[bool]] = []
    if bounds.robots:
        conditions.append(columns.robot_code.in_(sorted(bounds.robots)))
    if bounds.campaigns:
        names, beginnings = split(bounds.campaigns)
        # Not LIKE, for which upper and lower case are the same on SQLite.
        begin = [func.substr(columns.campaign, 1, len(one)) == one for one in beginnings]
        conditions.append(and_(columns.campaign.is_not(None), or_(columns.campaign.in_(names), *begin)))
    return conditions


def _overlaps(table: FromClause, selection: Selection) -> ColumnElement[bool]:
    return table.c.recipients.bool_op("&&")(literal(sorted(selection.users), ARRAY(Text)))


def reached_others(users: Collection[str], *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition under which a message reached anybody but these."""
    if not is_sqlite:
        return ~messages.c.recipients.bool_op("<@")(literal(sorted(users), ARRAY(Text)))
    each = func.json_each(messages.c.recipients).table_valued("value", name="other")
    return select(each.c.value).where(~among(each.c.value, sorted(users), is_sqlite=True)).exists()


def _users(selection: Selection) -> Select[Any]:
    users = func.json_each(bindparam("users", json.dumps(sorted(selection.users)), unique=True))
    return select(users.table_valued("value").c.value)


def _messages_of_users(selection: Selection) -> ColumnElement[bool]:
    """Probe each hour that holds anything; the hours are found by skipping through the index."""
    table = message_recipients
    hours = select(func.min(table.c.sent_hour).label("hour")).cte("hours", recursive=True)
    after = select(func.min(table.c.sent_hour)).where(table.c.sent_hour > hours.c.hour).scalar_subquery()
    hours = hours.union_all(select(after).where(hours.c.hour.is_not(None)))
    found = select(table.c.message_id).where(
        table.c.sent_hour.in_(select(hours.c.hour)), table.c.user_id.in_(_users(selection))
    )
    return messages.c.id.in_(found)


def _sends_to_users(selection: Selection) -> ColumnElement[bool]:
    """Look at each: they are few."""
    people = func.json_each(keyless_sends.c.recipients).table_valued("value")
    return select(people.c.value).where(people.c.value.in_(_users(selection))).exists()


def _items_of_users(selection: Selection) -> ColumnElement[bool]:
    """Probe each block that holds anything, as with the hours of messages."""
    table = recall_item_recipients
    blocks = select(func.min(table.c.item_block).label("block")).cte("blocks", recursive=True)
    after = select(func.min(table.c.item_block)).where(table.c.item_block > blocks.c.block).scalar_subquery()
    blocks = blocks.union_all(select(after).where(blocks.c.block.is_not(None)))
    found = select(table.c.item_id).where(
        table.c.item_block.in_(select(blocks.c.block)), table.c.user_id.in_(_users(selection))
    )
    return recall_items.c.id.in_(found)
