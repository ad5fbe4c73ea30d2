"""A run as one watches it: a bar on a terminal, a line now and then elsewhere; Ctrl-C pauses, twice leaves at once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from ledger.core.recall import Outcome, Result
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import console, say
from ledger.entrypoints.cli.words import span

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ledger.app import Ledger

SECONDS_BETWEEN_LINES = 5.0
STOPPING = "stopping when the calls in flight are answered; Ctrl-C again leaves at once"
OnProgress = Callable[[Result], None]


class InterruptedRun(Exception):  # noqa: N818 - no error: somebody wants to stop
    """Ctrl-C was pressed; raised where nothing is half done."""


def run_watched(
    book: "Ledger", recall_id: int, work: Callable[[OnProgress], Result], *, actor: str | None = None
) -> Result:
    """Do the work of a recall under somebody's eyes; after Ctrl-C it is paused, with its calls written down."""
    with _Stop() as stop, _shown() as watch:
        stop.say_so = watch.stopping

        def on_progress(result: Result) -> None:
            watch.show(result)
            if stop.is_asked_for:
                raise InterruptedRun

        try:
            return work(on_progress)
        except InterruptedRun:
            # The run has cleaned up by now: what was in flight has its outcome.
            return book.pause(recall_id, why="interrupted", actor=actor)


class _Stop:
    """Takes Ctrl-C over: the first is remembered until nothing is half done, the second ends the process."""

    def __init__(self) -> None:
        self.is_asked_for = False
        self.say_so: Callable[[], None] = _write_stopping
        self._is_ours = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> "_Stop":
        if self._is_ours:
            self._before = signal.signal(signal.SIGINT, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, self._before)

    def _asked(self, _signal: int, _frame: FrameType | None) -> None:
        if self.is_asked_for:
            os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"\n")
            os._exit(Code.INTERRUPTED)
        self.is_asked_for = True
        self.say_so()


def _write_stopping() -> None:
    # Past Python's buffers: a signal may come in the middle of a write.
    os.write(2, f"{STOPPING}\n".encode())


class Watch(Protocol):
    """Somebody who looks on."""

    def show(self, result: Result) -> None:
        """Show how far it is."""

    def stopping(self) -> None:
        """Show that it is about to stop; called by a signal."""


@contextmanager
def _shown() -> Iterator[Watch]:
    screen = console(to_stderr=True)
    if not screen.is_terminal:
        yield _Lines()
        return
    with _bar(screen) as watch:
        yield watch


class _Pace:
    """How fast it goes, seen from the first look on."""

    def __init__(self) -> None:
        self._started, self._done_before = time.monotonic(), -1

    def __call__(self, result: Result) -> str:
        done = result.eligible - result.pending
        if self._done_before < 0:
            self._done_before = done
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

    def stopping(self) -> None:
        _write_stopping()

    def show(self, result: Result) -> None:
        pace = self._pace(result)
        if time.monotonic() - self._said_at < SECONDS_BETWEEN_LINES:
            return
        self._said_at = time.monotonic()
        done = result.eligible - result.pending
        say(f"{done:,} of {result.eligible:,} done, {pace}: {_outcomes(result)}")


@contextmanager
def _bar(screen: "Console") -> Iterator[Watch]:
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    counts, rate = "{task.completed:,.0f} of {task.total:,.0f}", "{task.fields[pace]}"
    pace, last = _Pace(), [Text("asking DingTalk")]

    class TwoLines(Progress):
        """The bar, and under it the outcomes so far."""

        def get_renderables(self) -> Iterator["RenderableType"]:
            yield self.make_tasks_table(self.tasks)
            yield from last

    class Bar:
        """What is seen is drawn by a thread of its own, ten times a second."""

        def show(self, result: Result) -> None:
            last[0] = Text(_outcomes(result))
            done = result.eligible - result.pending
            progress.update(task, completed=done, total=result.eligible, pace=pace(result), visible=True)

        def stopping(self) -> None:
            last.append(Text(STOPPING))

    with TwoLines(BarColumn(20), TextColumn(counts), TextColumn(rate), console=screen, transient=True) as progress:
        task = progress.add_task("recall", total=None, pace="", visible=False)
        yield Bar()
