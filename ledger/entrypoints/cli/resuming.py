"""Going on: resume what stopped, retry what did not work, cancel what is not wanted any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.book import Actor, RecallId, opened
from ledger.entrypoints.cli.carrying import finish
from ledger.entrypoints.cli.exits import Code, code_of_results
from ledger.entrypoints.cli.inquiring import Verify, Yes, verify_first
from ledger.entrypoints.cli.output import AsJson, console, document, say
from ledger.entrypoints.cli.progress import run_watched
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

    Without ID, with all of them, the soonest deadline first.
    """
    with opened() as book:
        if recall_id is not None:
            return finish(book, _resumed(book, recall_id, actor), as_json=as_json)
        results = _resume_all(book, actor, as_json=as_json)
        if as_json:
            document(results[0] if len(results) == 1 else results)
        return code_of_results(results)


def retry(
    recall_id: RecallId, verify: Verify = False, yes: Yes = False, actor: Actor = None, as_json: AsJson = False
) -> Code:
    """Ask again for what ended refused, partial or unknown.

    Only while its deadline lasts. With --verify, what DingTalk says is recalled already is not asked again.
    """
    with opened() as book:
        if verify:
            verify_first(book, recall_id, yes=yes, actor=actor)
        try:
            result = run_watched(
                book, recall_id, lambda show: book.retry(recall_id, actor=actor, on_progress=show), actor=actor
            )
        except NothingEligibleError:
            if not verify:
                raise
            # It may well be that all is settled now: then the result is the answer.
            result = book.show(recall_id).result
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
            show_result(console(), result, (), now=book.clock.now())


def _resumed(book: "Ledger", recall_id: int, actor: str | None) -> "Result":
    return run_watched(book, recall_id, lambda show: book.resume(recall_id, actor=actor, on_progress=show), actor=actor)


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
