"""What is true of recalls and their calls, as several ask for it in SQL."""

from sqlalchemy import ColumnElement, Text, cast, false, func, or_

from ledger.core.recalls.unsent import NOT_SENT, UNSENT
from ledger.store.schema import recall_calls, recalls


def is_complete() -> ColumnElement[bool]:
    """Say whether a recall's plan has been written whole, and was not given up: until then nobody sees it."""
    return cast(recalls.c.plan, Text) != "{}"


def has_left() -> ColumnElement[bool]:
    """Say whether a call has left, or may have: one that was held up here, or found no connection, has not."""
    columns = recall_calls.c
    stayed = or_(columns.verdict == UNSENT, columns.code == NOT_SENT)
    return or_(columns.verdict.is_(None), ~func.coalesce(stayed, false()))
