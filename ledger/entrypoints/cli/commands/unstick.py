"""`ledger unstick`: leaves alone what arrives late for a sticky recall."""

from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts


def unstick(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> None:
    """Leave alone what arrives late for a sticky recall."""
    with opened() as parts:
        was_sticky = parts.recall_reports.result(recall_id).sticky_until is not None
        result = parts.sticky.unstick(recall_id, actor=who_acts(actor))
    if as_json:
        document(result)
    elif was_sticky:
        console().print(f"Recall {recall_id} leaves alone what is recorded from now on.")
    else:
        console().print(f"Recall {recall_id} was not sticky: it leaves alone what is recorded anyway.")
