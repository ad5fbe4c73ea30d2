"""The campaign of messages that are there already, changed some rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ledger.core.selection import Selection
from ledger.store.schema import messages
from ledger.store.selecting import among, selected_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggingStep:
    """What became of some of the selected messages; `before` are the campaigns of `keys`, `left` had another one."""

    keys: Sequence[str]
    before: Sequence[str | None]
    left: int
    last: int
    is_last: bool


def tag_messages(
    connection: Connection, selection: Selection, campaign: str, *, moves: bool, after: int, limit: int
) -> TaggingStep:
    """Tag up to `limit` selected messages that were recorded after one; `moves` those of other campaigns too."""
    columns, is_sqlite = messages.c, connection.dialect.name == "sqlite"
    found = select(columns.id, columns.process_query_key, columns.campaign).where(
        *selected_messages(selection, is_sqlite=is_sqlite), columns.id > after
    )
    rows = connection.execute(found.order_by(columns.id).limit(limit).with_for_update()).all()
    others = [row for row in rows if row.campaign != campaign]
    wanted = [row for row in others if moves or row.campaign is None]
    if wanted:
        ids = among(columns.id, [row.id for row in wanted], is_sqlite=is_sqlite)
        connection.execute(update(messages).where(ids).values(campaign=campaign))
    return TaggingStep(
        keys=[row.process_query_key for row in wanted],
        before=[row.campaign for row in wanted],
        left=len(others) - len(wanted),
        last=rows[-1].id if rows else after,
        is_last=len(rows) < limit,
    )
