"""A run as one watches it: it shows how far it is; Ctrl-C pauses it, twice leaves at once.

It goes on when its terminal is gone.
"""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.core.recall import OnProgress, Result
from ledger.entrypoints.cli.screen.run_progress import shown
from ledger.entrypoints.process.signals import InterruptedRun, Stop, outliving_its_terminal
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.parts import Parts


def run_interruptibly(
    parts: "Parts", recall_id: int, work: Callable[[OnProgress], Result], *, actor: str | None = None
) -> Result:
    """Do the work of a recall under somebody's eyes; after Ctrl-C it is paused, with its calls written down."""
    with outliving_its_terminal(), Stop(signal.SIGTERM) as stop, shown() as watch:
        stop.say_so = watch.stopping

        def on_progress(result: Result) -> None:
            watch.show(result)
            if stop.is_asked_for:
                raise InterruptedRun

        try:
            return work(on_progress)
        except InterruptedRun:
            # The run has cleaned up by now: what was in flight has its outcome.
            return parts.lifecycle.pause(recall_id, why="interrupted", actor=who_acts(actor))
