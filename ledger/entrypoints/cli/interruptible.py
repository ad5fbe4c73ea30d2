"""A run as one watches it: it shows how far it is; Ctrl-C pauses it, twice leaves at once.

It goes on when its terminal is gone.
"""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from ledger.core.recalls.recall import OnProgress, Result
from ledger.entrypoints.cli.screen.run_progress import Watch, shown
from ledger.entrypoints.process.signals import InterruptedRun, Stop, outliving_its_terminal
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.parts import Parts

Seen = TypeVar("Seen")


def run_interruptibly(
    parts: "Parts", recall_id: int, work: Callable[[OnProgress], Result], *, actor: str | None = None
) -> Result:
    """Do the work of a recall under somebody's eyes; after Ctrl-C it is paused, with its calls written down."""
    return watched(work, lambda: parts.lifecycle.pause(recall_id, why="interrupted", actor=who_acts(actor)), shown())


def watched(
    work: Callable[[Callable[[Seen], None]], Seen],
    pause: Callable[[], Seen],
    watching: AbstractContextManager[Watch[Seen]],
) -> Seen:
    """Do some work under somebody's eyes; after Ctrl-C it is paused."""
    with outliving_its_terminal(), Stop(signal.SIGTERM) as stop, watching as watch:
        stop.say_so = watch.stopping

        def on_progress(seen: Seen) -> None:
            watch.show(seen)
            if stop.is_asked_for:
                raise InterruptedRun

        try:
            return work(on_progress)
        except InterruptedRun:
            # The run has cleaned up by now: what was in flight has its outcome.
            return pause()
