"""`ledger resume`: goes on with recalls that were paused or broken off."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.correcting import correction_meant, sent_watched, shown_correction
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, Now
from ledger.entrypoints.cli.screen.output import AsJson, document, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code, code_of_correction, code_of_results
from ledger.errors import NothingEligibleError, WrongStateError
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.core.corrections.correction import CorrectionResult
    from ledger.core.recalls.recall import Result
    from ledger.parts import Parts

Waiting = Annotated[
    int | None, typer.Argument(metavar="[ID]", min=1, help="The number of the recall. Without: all that wait.")
]


def resume(recall_id: Waiting = None, now: Now = False, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Go on with a recall, or its correction, that was paused or broken off.

    Without ID, with all of them, the soonest deadline first.
    """
    with opened() as parts:
        if recall_id is not None:
            meant = correction_meant(parts, recall_id)
            if meant is not None:
                return shown_correction(_correction_resumed(parts, meant.id, actor), as_json=as_json)
            return finish(parts, _resumed(parts, recall_id, actor, at_once=now), as_json=as_json)
        corrections = parts.correction_reports.unfinished()
        results = _resume_all(parts, actor, at_once=now, as_json=as_json, is_alone=not corrections)
        sent = [_correction_resumed(parts, one.id, actor) for one in corrections]
        if as_json:
            every = [*results, *sent]
            document(every[0] if len(every) == 1 else every)
        else:
            for one in sent:
                shown_correction(one, as_json=False)
        return max([code_of_results(results), *map(code_of_correction, sent)])


def _resumed(parts: "Parts", recall_id: int, actor: str | None, *, at_once: bool) -> "Result":
    who = who_acts(actor)
    return run_interruptibly(
        parts,
        recall_id,
        lambda show: parts.lifecycle.resume(recall_id, actor=who, on_progress=show, at_once=at_once),
        actor=who,
    )


def _correction_resumed(parts: "Parts", correction_id: int, actor: str | None) -> "CorrectionResult":
    who = who_acts(actor)
    resume_it = partial(parts.corrections.resume, correction_id, actor=who)
    return sent_watched(parts, correction_id, lambda show: resume_it(on_progress=show), actor=who)


def _resume_all(parts: "Parts", actor: str | None, *, at_once: bool, as_json: bool, is_alone: bool) -> list["Result"]:
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
    if not results and is_alone:
        raise NothingEligibleError("no recall waits: `ledger recalls` lists them all")
    return results
