"""`ledger cancel`: stops a recall for good."""

from ledger.entrypoints.cli.correcting import correction_meant, shown_correction
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts


def cancel(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> None:
    """Stop a recall for good; of one that has ended, its correction.

    What waits ends cancelled, what is under way ends by its answer.
    """
    with opened() as parts:
        meant = correction_meant(parts, recall_id)
        if meant is not None:
            shown_correction(parts.corrections.cancel(meant.id, actor=who_acts(actor)), as_json=as_json)
            return
        result = parts.lifecycle.cancel(recall_id, actor=who_acts(actor))
        if as_json:
            document(result)
        else:
            show_result(console(), result, (), now=parts.clock.now())
