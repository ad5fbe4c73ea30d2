"""How many of the recalls that have finished have recalled all, a part, or nothing: counted, since there are many."""

from collections import Counter

from sqlalchemy import Connection, case, func, select

from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_state import RecallState, state_of_finished
from ledger.store.recalls.finding import has_ended_so, has_left_some
from ledger.store.schema import recalls


def count_finished(connection: Connection) -> Counter[RecallState]:
    """Return how many recalls that have finished have recalled all, a part, or nothing."""
    flags = {"is_whole": ~has_left_some(), "has_recalled": has_ended_so([Outcome.RECALLED])}
    columns = [case((condition, 1), else_=0).label(name) for name, condition in flags.items()]
    each = select(*columns).where(recalls.c.status == Status.FINISHED).subquery()
    counted = Counter[RecallState]()
    for row in connection.execute(select(*each.c, func.count().label("recalls")).group_by(*each.c)):
        counted[state_of_finished(is_whole=bool(row.is_whole), has_recalled=bool(row.has_recalled))] += row.recalls
    return counted
