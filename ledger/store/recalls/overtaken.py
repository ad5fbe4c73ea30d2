"""Which other recall has taken messages of a plan since it was made: one look, to the first that is found."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.clock import CLOCKS_DIFFER
from ledger.store.recalls import plan_messages
from ledger.store.recalls.candidates import first_taker_since
from ledger.store.recalls.recalls import Recall
from ledger.store.schema import recalls


@dataclass(frozen=True, slots=True)
class OthersSince:
    """The recalls that went on since a plan was made; while they are the same, they have taken nothing more."""

    count: int
    latest: datetime | None


def others_since(connection: Connection, plan: Recall) -> OthersSince:
    """Return what other recalls went on since a plan was made, or may have by a clock that differs."""
    columns = recalls.c
    since = (columns.activated_at >= plan.planned_at - CLOCKS_DIFFER, columns.id != plan.id)
    row = connection.execute(select(func.count(), func.max(columns.activated_at)).where(*since)).one()
    return OthersSince(*row)


def overtaken_by(connection: Connection, plan: Recall) -> int | None:
    """Return a recall that has recalled a message of a plan since it was made, or is at one; None for none.

    A plan of an earlier release, which was copied when it was made, is looked at when it starts.
    """
    taken = plan_messages.taken_of(connection, plan.id)
    if not taken:
        return None
    # First what others have yet to copy, then what they have copied: another process may move it on in between.
    wanted = set(taken)
    for other in plan_messages.held(connection, other_than=plan.id):
        if not wanted.isdisjoint(other.taken):
            return other.recall_id
    return first_taker_since(connection, plan.id, plan.planned_at - CLOCKS_DIFFER, wanted)
