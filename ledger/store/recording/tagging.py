"""The campaign of messages, and of sends without key, that are there already, changed some rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, Table, select, update

from ledger.core.recalls.selection import Selection
from ledger.store.recording.selecting import among, selected_messages, selected_sends
from ledger.store.schema import keyless_sends, messages


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggingStep:
    """What became of some of the selected rows; `before` are the campaigns of `names`, `left` had another one.

    The name of a message is its key, that of a send without key its trace.
    """

    names: Sequence[str]
    before: Sequence[str | None]
    left: int
    last: int
    is_last: bool


def tag_messages(
    connection: Connection, selection: Selection, campaign: str, *, moves: bool, after: int, limit: int
) -> TaggingStep:
    """Tag up to `limit` selected messages that were recorded after one; `moves` those of other campaigns too."""
    conditions = selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite")
    name = messages.c.process_query_key
    return _tag(connection, messages, name, conditions, campaign, moves=moves, after=after, limit=limit)


def tag_sends(
    connection: Connection, selection: Selection, campaign: str, *, moves: bool, after: int, limit: int
) -> TaggingStep:
    """Do the same for sends without key."""
    conditions = selected_sends(selection, is_sqlite=connection.dialect.name == "sqlite")
    name = keyless_sends.c.trace
    return _tag(connection, keyless_sends, name, conditions, campaign, moves=moves, after=after, limit=limit)


def _tag(
    connection: Connection,
    table: Table,
    name: Column[str],
    conditions: Sequence[ColumnElement[bool]],
    campaign: str,
    *,
    moves: bool,
    after: int,
    limit: int,
) -> TaggingStep:
    columns = table.c
    found = select(columns.id, name.label("name"), columns.campaign).where(*conditions, columns.id > after)
    rows = connection.execute(found.order_by(columns.id).limit(limit).with_for_update()).all()
    others = [row for row in rows if row.campaign != campaign]
    wanted = [row for row in others if moves or row.campaign is None]
    if wanted:
        ids = among(columns.id, [row.id for row in wanted], is_sqlite=connection.dialect.name == "sqlite")
        connection.execute(update(table).where(ids).values(campaign=campaign))
    return TaggingStep(
        names=[row.name for row in wanted],
        before=[row.campaign for row in wanted],
        left=len(others) - len(wanted),
        last=rows[-1].id if rows else after,
        is_last=len(rows) < limit,
    )
