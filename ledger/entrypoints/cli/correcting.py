"""Sending corrections under somebody's eyes: by their plan, after a pause, once a second person agreed."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.interruptible import watched
from ledger.entrypoints.cli.screen.correction_progress import sending_shown
from ledger.entrypoints.cli.screen.corrections import show_correction
from ledger.entrypoints.cli.screen.output import console, document
from ledger.entrypoints.process.exits import Code, code_of_correction

if TYPE_CHECKING:
    from ledger.core.corrections.correction import CorrectionResult
    from ledger.parts import Parts
    from ledger.store.corrections.corrections import Correction

OnSent = Callable[["CorrectionResult"], None]


def correction_meant(parts: "Parts", recall_id: int) -> "Correction | None":
    """Return the correction that the number of a recall means: of one that has ended itself, what is open of it."""
    if parts.recall_reports.result(recall_id).status not in (Status.FINISHED, Status.CANCELLED):
        return None
    return parts.correction_reports.open_of(recall_id)


def sent_watched(
    parts: "Parts", correction_id: int, work: Callable[[OnSent], "CorrectionResult"], *, actor: str
) -> "CorrectionResult":
    """Send a correction with its progress on the screen; Ctrl-C pauses it."""
    pause = partial(parts.corrections.pause, correction_id, actor=actor, why="interrupted")
    return watched(work, pause, sending_shown())


def shown_correction(result: "CorrectionResult", *, as_json: bool) -> Code:
    """Show what came of a correction; return the exit code."""
    if as_json:
        document(result)
    else:
        show_correction(console(), result)
    return code_of_correction(result)
