"""The second person: agree to a recall that is larger than one person may start alone, or refuse it."""

from typing import Annotated

import typer

from ledger.entrypoints.cli.book import Actor, RecallId, opened
from ledger.entrypoints.cli.carrying import finish
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import AsJson, console, document
from ledger.entrypoints.cli.progress import run_watched
from ledger.entrypoints.cli.results import show_result


def approve(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Agree to what another person wants to recall, and run it."""
    with opened() as book:
        result = run_watched(
            book, recall_id, lambda show: book.approve(recall_id, actor=actor, on_progress=show), actor=actor
        )
        return finish(book, result, as_json=as_json)


def refuse(
    recall_id: RecallId,
    reason: Annotated[str, typer.Option("--reason", help="Why not, for the history.")],
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Do not agree to what another person wants to recall."""
    with opened() as book:
        result = book.refuse(recall_id, reason=reason, actor=actor)
        if as_json:
            document(result)
        else:
            show_result(console(), result, (), now=book.clock.now())
