"""`ledger resume`: goes on with recalls that were paused or broken off."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, document, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code, code_of_results
from ledger.errors import NothingEligibleError, WrongStateError

if TYPE_CHECKING:
    from ledger.app import Ledger
    from ledger.core.recall import Result

Waiting = Annotated[
    int | None, typer.Argument(metavar="[ID]", min=1, help="The number of the recall. Without: all that wait.")
]


def resume(recall_id: Waiting = None, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Go on with a recall that was paused or broken off.

    Without ID, with all of them, the soonest deadline first.
    """
    with opened() as book:
        if recall_id is not None:
            return finish(book, _resumed(book, recall_id, actor), as_json=as_json)
        results = _resume_all(book, actor, as_json=as_json)
        if as_json:
            document(results[0] if len(results) == 1 else results)
        return code_of_results(results)


def _resumed(book: "Ledger", recall_id: int, actor: str | None) -> "Result":
    return run_interruptibly(
        book, recall_id, lambda show: book.resume(recall_id, actor=actor, on_progress=show), actor=actor
    )


def _resume_all(book: "Ledger", actor: str | None, *, as_json: bool) -> list["Result"]:
    """Resume what waits, the soonest deadline first; an interruption of one leaves the others waiting."""
    results = []
    for recall_id in _waiting(book):
        try:
            result = _resumed(book, recall_id, actor)
        except WrongStateError as error:
            result = book.show(recall_id).result
            # One that runs already is worked on beside those before it; otherwise somebody else was quicker.
            if result.status is not Status.FINISHED:
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


def _waiting(book: "Ledger") -> list[int]:
    """Return the recalls that wait, the soonest deadline first."""
    from ledger.store import recalls

    statuses = (Status.PAUSED, Status.RUNNING)
    if not book.recalls(statuses=statuses, limit=1):
        return []
    with book.database.read() as connection:
        found = recalls.listed(connection, statuses=statuses, limit=None)
    # Deadlines of a plan are RFC 3339 in UTC: as texts they sort like times.
    return [recall.id for recall in sorted(found, key=lambda one: (one.plan.get("first_deadline") or "", one.id))]
