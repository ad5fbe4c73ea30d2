"""Going on: resume what stopped, retry what did not work, cancel what is not wanted any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.book import Actor, RecallId, opened
from ledger.entrypoints.cli.exits import Code, code_of_results
from ledger.entrypoints.cli.output import AsJson, console, document, say
from ledger.entrypoints.cli.progress import run_watched
from ledger.entrypoints.cli.recalling import finish
from ledger.entrypoints.cli.results import show_result
from ledger.errors import NothingEligibleError, WrongStateError

if TYPE_CHECKING:
    from ledger.app import Ledger
    from ledger.core.recall import Result

Waiting = Annotated[
    int | None, typer.Argument(metavar="[ID]", min=1, help="The number of the recall. Without: all that wait.")
]


def resume(recall_id: Waiting = None, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Go on with a recall that was paused or broken off.

    Without ID, with all of them, the oldest first.
    """
    with opened() as book:
        if recall_id is not None:
            return finish(book, _resumed(book, recall_id, actor), as_json=as_json)
        results = _resume_all(book, actor, as_json=as_json)
        if as_json:
            document(results[0] if len(results) == 1 else results)
        return code_of_results(results)


def retry(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Ask again for what ended refused, partial or unknown.

    Only while its deadline lasts.
    """
    with opened() as book:
        result = run_watched(
            book, recall_id, lambda show: book.retry(recall_id, actor=actor, on_progress=show), actor=actor
        )
        return finish(book, result, as_json=as_json)


def cancel(recall_id: RecallId, actor: Actor = None, as_json: AsJson = False) -> None:
    """Stop a recall for good.

    What waits ends cancelled, what is under way ends by its answer.
    """
    with opened() as book:
        result = book.cancel(recall_id, actor=actor)
        if as_json:
            document(result)
        else:
            show_result(console(), result, ())


def _resumed(book: "Ledger", recall_id: int, actor: str | None) -> "Result":
    return run_watched(book, recall_id, lambda show: book.resume(recall_id, actor=actor, on_progress=show), actor=actor)


def _resume_all(book: "Ledger", actor: str | None, *, as_json: bool) -> list["Result"]:
    """Resume what waits, the oldest first; an interruption of one leaves the others waiting."""
    waiting = list(reversed(book.recalls(statuses=(Status.PAUSED, Status.RUNNING))))
    results = []
    for stopped in waiting:
        try:
            result = _resumed(book, stopped.recall_id, actor)
        except WrongStateError as error:
            # Somebody else was quicker.
            say(f"left out: {error}")
            continue
        results.append(result)
        if not as_json:
            finish(book, result, as_json=False)
        if result.error is not None and result.error.get("code") == "interrupted":
            break
    if not results:
        raise NothingEligibleError("no recall waits: `ledger recalls` lists them all")
    return results
