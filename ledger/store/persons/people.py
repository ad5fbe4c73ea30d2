"""How many people some messages reached, counted where they are: in memory, millions of them would be too many."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, FromClause, Text, collate, column, distinct, func, select, true

from ledger.store.recording.selecting import among
from ledger.store.schema import messages


def count_people(connection: Connection, ids: Collection[int], *, other_than: Collection[str] = ()) -> int:
    """Return how many people got any of some messages, leaving out those who were named."""
    if not ids:
        return 0
    is_sqlite = connection.dialect.name == "sqlite"
    these = among(messages.c.id, ids, is_sqlite=is_sqlite)
    if is_sqlite:
        each, user = each_recipient(is_sqlite=True)
        deliveries = select(user.label("user")).select_from(messages.join(each, true())).where(these)
    else:
        # Selected, where a join with them would keep those of each message in a table of its own.
        deliveries = select(func.unnest(messages.c.recipients, type_=Text).label("user")).where(these)
    users = deliveries.subquery().c.user
    others = ~among(users, sorted(other_than), is_sqlite=is_sqlite) if other_than else true()
    # Sorted: SQLite's DISTINCT would look each of them up in a tree on disk, which takes four times as long from a
    # million on, and PostgreSQL's GROUP BY in a table of hashes.
    if is_sqlite:
        people = select(users).where(others).group_by(users).subquery()
        counting = select(func.count()).select_from(people)
    else:
        counting = select(func.count(distinct(collate(users, "C")))).where(others)
    return connection.scalar(counting) or 0


def each_recipient(of: FromClause = messages, *, is_sqlite: bool) -> tuple[FromClause, ColumnElement[str]]:
    """Return the recipients of a message, or of an item, as rows that it is joined with, and who each of them is."""
    if is_sqlite:
        table = func.json_each(of.c.recipients).table_valued("value", name="recipient")
        return table, table.c.value
    table = func.unnest(of.c.recipients).table_valued(column("user_id", Text), name="recipient").render_derived()
    # Letters are compared as bytes: in the order of some language, it would take three times as long.
    return table, collate(table.c.user_id, "C")
