"""What other hands have recalled, written down with its entries of the history."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.core.access.actors import WORKER
from ledger.core.audit.chain_facts import ELSEWHERE
from ledger.core.events.elsewhere import ToldGone
from ledger.store.audit import history
from ledger.store.events import elsewhere


def written_down(connection: Connection, told: Sequence[ToldGone], now: datetime) -> tuple[list[history.Entry], int]:
    """Write down what is gone; return what the history has to say of what is new, and how many messages that are."""
    new = elsewhere.mark(connection, [one for one in told if one.is_gone], now)
    rows = [[one.message_id, one.robot_code, one.process_query_key, one.cause] for one in new]
    entries = [
        history.Entry(
            at=now,
            event=ELSEWHERE,
            actor=WORKER,
            recall_id=None,
            detail={"messages": rows[start : start + history.ITEMS_PER_ENTRY]},
        )
        for start in range(0, len(rows), history.ITEMS_PER_ENTRY)
    ]
    return entries, len(new)


def write_down(connection: Connection, told: Sequence[ToldGone], now: datetime) -> int:
    """Write down what is gone, with what the history has to say of it; return how many messages are new in it."""
    entries, new = written_down(connection, told, now)
    history.append(connection, entries)
    return new
