"""How many people some messages reached, counted where they are: in memory, millions of them would be too many."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, FromClause, Text, collate, column, func, select, true

from ledger.store.recording.selecting import among
from ledger.store.schema import messages


def count_people(connection: Connection, ids: Collection[int], *, other_than: Collection[str] = ()) -> int:
    """Return how many people got any of some messages, leaving out those who were named."""
    if not ids:
        return 0
    is_sqlite = connection.dialect.name == "sqlite"
    each, user = each_recipient(is_sqlite=is_sqlite)
    these = [among(messages.c.id, ids, is_sqlite=is_sqlite)]
    if other_than:
        these.append(~among(user, sorted(other_than), is_sqlite=is_sqlite))
    # Sorted, where DISTINCT would look each of them up in a tree on disk: four times as fast from a million on.
    people = select(user).select_from(messages.join(each, true())).where(*these).group_by(user).subquery()
    return connection.scalar(select(func.count()).select_from(people)) or 0


def each_recipient(of: FromClause = messages, *, is_sqlite: bool) -> tuple[FromClause, ColumnElement[str]]:
    """Return the recipients of a message, or of an item, as rows that it is joined with, and who each of them is."""
    if is_sqlite:
        table = func.json_each(of.c.recipients).table_valued("value", name="recipient")
        return table, table.c.value
    table = func.unnest(of.c.recipients).table_valued(column("user_id", Text), name="recipient").render_derived()
    # Letters are compared as bytes: in the order of some language, it would take three times as long.
    return table, collate(table.c.user_id, "C")
