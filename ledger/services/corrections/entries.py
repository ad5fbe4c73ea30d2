"""What the history says of corrections: entries of the recall that they correct, which name the correction."""

from datetime import datetime
from typing import Any

from ledger.store.audit import history
from ledger.store.corrections.corrections import Correction


def entry(correction: Correction, event: str, actor: str, now: datetime, **facts: Any) -> history.Entry:
    """Return one entry of a correction."""
    detail = {"correction": correction.id, **facts}
    return history.Entry(
        at=now, event=f"correction_{event}", actor=actor, recall_id=correction.recall_id, detail=detail
    )
