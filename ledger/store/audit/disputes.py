"""Rows of `verifications` and `disputes`: what the latest whole check of the history found, for pages to mark.

Nothing in them names a person: neither what was shown, nor keys of the index by recipients, which hold user ids. What
the history says names people by commitments.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text

from ledger.core.audit.disputes import Dispute, Disputes
from ledger.core.audit.findings import Finding, Findings
from ledger.core.limits import storable
from ledger.store.schema import disputes, verifications

_MOST_CHARACTERS = 2000
# Its keys say whom an item is found by.
_NAMES_PEOPLE = "index"


def keep(connection: Connection, findings: Findings, checked_at: datetime) -> None:
    """Put what a whole check found in the place of what the one before it did."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger disputes'))"))
    connection.execute(delete(disputes))
    connection.execute(delete(verifications))
    counts = {"found": findings.found, "listed": len(findings.listed)}
    connection.execute(insert(verifications).values(checked_at=checked_at, **counts))
    rows = [_row(one) for one in findings.listed if isinstance(one.recall_id, int)]
    if rows:
        connection.execute(insert(disputes), rows)


def of_recall(connection: Connection, recall_id: int) -> Disputes | None:
    """Return what the latest check disputed of a recall; None where it has seen all, and that was nothing."""
    check = connection.execute(select(verifications).order_by(verifications.c.id.desc()).limit(1)).one_or_none()
    if check is None or not check.found:
        return None
    mine = select(disputes).where(disputes.c.recall_id == recall_id).order_by(disputes.c.id)
    values = tuple(
        Dispute(kind=row.kind, what=row.what, key=row.key, field=row.field, history_says=_said(row.history_says))
        for row in connection.execute(mine)
    )
    are_all = check.found <= check.listed
    return Disputes(checked_at=check.checked_at, values=values, are_all=are_all) if values or not are_all else None


def _row(one: Finding) -> dict[str, Any]:
    has_key = one.key is not None and one.what != _NAMES_PEOPLE
    return {
        "recall_id": one.recall_id,
        "kind": one.kind,
        "what": one.what,
        "key": storable(one.key) if has_key else None,
        "field": None if one.field is None else storable(one.field),
        "history_says": _as_text(one.chain),
    }


def _as_text(value: object) -> str:
    """Return a value as JSON in ASCII, which holds whatever somebody may have written into a row."""
    written = json.dumps(value, default=str)
    return written if len(written) <= _MOST_CHARACTERS else json.dumps(storable(value))


def _said(written: str) -> Any:
    try:
        return json.loads(written)
    except ValueError:  # somebody wrote there
        return written
