"""What else waits to recall the same messages: whoever plans them again is told, before the same is done twice."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.recalls.recall import AlsoWaiting
from ledger.store.database import Database
from ledger.store.recalls import plan_messages, recalls
from ledger.store.recalls.overtaken import overtaken_by
from ledger.store.recalls.waiting_plans import waiting_plans


class WaitingBeside:
    """Looks for plans that wait and take messages of another one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def of_recall(self, recall_id: int) -> tuple[AlsoWaiting, ...]:
        """Return what waits beside a plan that was made before."""
        with self._database.read() as connection:
            taken = plan_messages.taken_of(connection, recall_id)
            return also_waiting(connection, taken, self._clock.now(), other_than=recall_id) if taken else ()


def also_waiting(
    connection: Connection, taken: Collection[int], now: datetime, other_than: int | None = None
) -> tuple[AlsoWaiting, ...]:
    """Return the plans that wait and take any of some messages; what cannot run any more waits for nothing."""
    found = list(waiting_plans(connection, taken, now, other_than))
    made = {one.id: one for one in recalls.of_numbers(connection, [one.recall_id for one in found])} if found else {}
    return tuple(
        one for one in found if one.scheduled_at is not None or not overtaken_by(connection, made[one.recall_id])
    )
