"""`ledger resume`: goes on with recalls that were paused or broken off."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, Now
from ledger.entrypoints.cli.screen.output import AsJson, document, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code, code_of_results
from ledger.errors import NothingEligibleError, WrongStateError
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.core.recall import Result
    from ledger.parts import Parts

Waiting = Annotated[
    int | None, typer.Argument(metavar="[ID]", min=1, help="The number of the recall. Without: all that wait.")
]


def resume(recall_id: Waiting = None, now: Now = False, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Go on with a recall that was paused or broken off.

    Without ID, with all of them, the soonest deadline first.
    """
    with opened() as parts:
        if recall_id is not None:
            return finish(parts, _resumed(parts, recall_id, actor, at_once=now), as_json=as_json)
        results = _resume_all(parts, actor, at_once=now, as_json=as_json)
        if as_json:
            document(results[0] if len(results) == 1 else results)
        return code_of_results(results)


def _resumed(parts: "Parts", recall_id: int, actor: str | None, *, at_once: bool) -> "Result":
    who = who_acts(actor)
    return run_interruptibly(
        parts,
        recall_id,
        lambda show: parts.lifecycle.resume(recall_id, actor=who, on_progress=show, at_once=at_once),
        actor=who,
    )


def _resume_all(parts: "Parts", actor: str | None, *, at_once: bool, as_json: bool) -> list["Result"]:
    """Resume what waits, the soonest deadline first; an interruption of one leaves the others waiting."""
    results = []
    for recall_id in parts.current_recalls.waiting():
        try:
            result = _resumed(parts, recall_id, actor, at_once=at_once)
        except WrongStateError as error:
            result = parts.current_recalls.result(recall_id)
            # One that runs already is worked on beside those before it; otherwise somebody else was quicker.
            if result.status is not Status.FINISHED:
                say(f"left out: {error}")
                continue
        results.append(result)
        if not as_json:
            finish(parts, result, as_json=False)
        if result.error is not None and result.error.get("code") == "interrupted":
            break
    if not results:
        raise NothingEligibleError("no recall waits: `ledger recalls` lists them all")
    return results
