"""`ledger cancel`: stops a recall for good."""

from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.process.book import opened


def cancel(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> None:
    """Stop a recall for good.

    What waits ends cancelled, what is under way ends by its answer.
    """
    with opened() as book:
        result = book.cancel(recall_id, actor=actor)
        if as_json:
            document(result)
        else:
            show_result(console(), result, (), now=book.clock.now())
