"""`ledger approve`: a second person agrees to a recall that is larger than one may start alone."""

from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.screen.output import AsJson
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.services.access.actor import who_acts


def approve(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Agree to what another person wants to recall, and run it."""
    with opened() as parts:
        result = run_interruptibly(
            parts,
            recall_id,
            lambda show: parts.lifecycle.approve(recall_id, actor=who_acts(actor), on_progress=show),
            actor=actor,
        )
        return finish(parts, result, as_json=as_json)
