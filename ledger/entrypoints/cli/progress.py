"""A run as one watches it: a bar on a terminal, a line now and then elsewhere; Ctrl-C pauses, twice leaves at once."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from ledger.core.recall import Outcome, Result
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import console, say
from ledger.entrypoints.cli.words import span

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.app import Ledger

SECONDS_BETWEEN_LINES = 5.0
OnProgress = Callable[[Result], None]


class InterruptedRun(Exception):  # noqa: N818 - no error: somebody wants to stop
    """Ctrl-C was pressed; raised where nothing is half done."""


def run_watched(
    book: "Ledger", recall_id: int, work: Callable[[OnProgress], Result], *, actor: str | None = None
) -> Result:
    """Do the work of a recall under somebody's eyes; after Ctrl-C it is paused, with its calls written down."""
    with _stoppable() as is_stopped, _shown() as show:

        def on_progress(result: Result) -> None:
            show(result)
            if is_stopped():
                raise InterruptedRun

        try:
            return work(on_progress)
        except InterruptedRun:
            # The run has cleaned up by now: what was in flight has its outcome.
            return book.pause(recall_id, why="interrupted", actor=actor)


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Take Ctrl-C over: the first is remembered until nothing is half done, the second ends the process."""
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # Written past Python's buffers: a signal may come in the middle of a write.
        if stopped.is_set():
            os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"\n")
            os._exit(Code.INTERRUPTED)
        stopped.set()
        os.write(2, b"\nstopping when the calls in flight are answered; Ctrl-C again leaves at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _shown() -> Iterator[OnProgress]:
    screen = console(to_stderr=True)
    if not screen.is_terminal:
        yield _Lines()
        return
    with _bar(screen) as show:
        yield show


class _Pace:
    """How fast it goes, seen from the first look on."""

    def __init__(self) -> None:
        self._started, self._done_before = time.monotonic(), -1

    def __call__(self, result: Result) -> str:
        done = result.eligible - result.pending
        if self._done_before < 0:
            self._done_before = 0
        seconds = max(time.monotonic() - self._started, 0.001)
        rate = (done - self._done_before) / seconds
        rest = f", {span(max(result.pending / rate, 1))} left" if rate and result.pending else ""
        return f"{rate:,.0f} keys/s{rest}"


def _outcomes(result: Result) -> str:
    counts = [(getattr(result, outcome.value), outcome.value) for outcome in Outcome]
    return (
        ", ".join(f"{count:,} {name}" for count, name in counts if count)
        or "no answer yet; it goes on trying until the deadline, Ctrl-C pauses"
    )


class _Lines:
    """A plain line every few seconds."""

    def __init__(self) -> None:
        self._pace, self._said_at = _Pace(), time.monotonic()

    def __call__(self, result: Result) -> None:
        if time.monotonic() - self._said_at < SECONDS_BETWEEN_LINES:
            return
        self._said_at = time.monotonic()
        done = result.eligible - result.pending
        say(f"{done:,} of {result.eligible:,} done, {self._pace(result)}: {_outcomes(result)}")


@contextmanager
def _bar(screen: "Console") -> Iterator[OnProgress]:
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    pace, last = _Pace(), Text("asking DingTalk")

    class TwoLines(Progress):
        """The bar, and under it the outcomes so far."""

        def get_renderables(self) -> Iterator[object]:  # type: ignore[override]
            yield self.make_tasks_table(self.tasks)
            yield last

    columns = (
        BarColumn(20),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("{task.fields[pace]}"),
    )
    with TwoLines(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("recall", total=None, pace="", visible=False)

        def show(result: Result) -> None:
            last.plain = _outcomes(result)
            done = result.eligible - result.pending
            progress.update(task, completed=done, total=result.eligible, pace=pace(result), visible=True)

        yield show
    sys.stderr.flush()
