"""Rows of `usage`: calls that count against the organisation's monthly quota, by app and month."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from ledger.core.deadline import WINDOW
from ledger.core.recording.message import Keyless
from ledger.store.dialects import insert_into
from ledger.store.schema import keyless_sends, message_counts, messages, usage

# Sends are counted by the messages (or traces) that they left behind; the purge puts down how many it took away.
PURGED_SENDS = "(sends)"
_OF_MONTH = select(func.coalesce(func.sum(usage.c.calls), 0)).where(usage.c.month == bindparam("month"))
_MESSAGES = select(func.sum(message_counts.c.messages))
# All but those of other months: what is no older than the month need not be looked at one by one.
_OF_OTHER_MONTHS = (
    select(func.count())
    .select_from(messages)
    .where(
        or_(
            and_(messages.c.deadline < bindparam("first_deadline"), messages.c.sent_at < bindparam("since")),
            and_(messages.c.deadline >= bindparam("until"), messages.c.sent_at >= bindparam("until")),
        )
    )
)
# Webhooks have a quota of their own.
_KEYLESS_CALLS = (
    select(func.count())
    .select_from(keyless_sends)
    .where(
        (keyless_sends.c.sent_at >= bindparam("since"))
        & (keyless_sends.c.sent_at < bindparam("until"))
        & keyless_sends.c.kind.not_in([Keyless.WEBHOOK, Keyless.SESSION_WEBHOOK])
    )
)


def count_usage(connection: Connection, app: str, month: str, calls: int) -> None:
    """Add calls (or take back, when negative) to what an app has used of the month's quota."""
    statement = insert_into(connection, usage).values(app=app, month=month, calls=max(calls, 0))
    grown = {"calls": usage.c.calls + calls}
    connection.execute(statement.on_conflict_do_update(index_elements=["app", "month"], set_=grown))


def count_purged_sends(connection: Connection, sends: Counter[str]) -> None:
    """Keep the number of sends, by month, whose messages are deleted in this transaction."""
    for month, calls in sends.items():
        count_usage(connection, PURGED_SENDS, month, calls)


def used_calls(connection: Connection, month: str, since: datetime, until: datetime) -> int:
    """Return the calls of a month, sends included, as far as the ledger knows them: the quota is the organisation's.

    The month is [since, until); a recorded message, and one whose key was lost, is a send that was made.
    """
    span = {"since": since, "until": until}
    counted = connection.scalar(_OF_MONTH, {"month": month}) or 0
    counted += int(connection.scalar(_MESSAGES) or 0)
    counted -= connection.scalar(_OF_OTHER_MONTHS, {**span, "first_deadline": since + WINDOW}) or 0
    return counted + (connection.scalar(_KEYLESS_CALLS, span) or 0)
