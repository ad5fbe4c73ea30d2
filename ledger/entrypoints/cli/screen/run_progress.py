"""Somebody who watches a run: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from ledger.clock import SystemClock
from ledger.core.recalls.recall import Outcome, Result
from ledger.entrypoints.cli.screen.output import console, say
from ledger.entrypoints.cli.screen.words import span
from ledger.entrypoints.process.signals import STOPPING, write_stopping

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SECONDS_BETWEEN_LINES = 5.0
# A wait is told by two clocks, which differ a little from one look to the next.
SAME_WAIT = timedelta(seconds=2)
NO_ANSWER = "no answer yet; it goes on trying until the deadline, Ctrl-C pauses"


Seen = TypeVar("Seen", contravariant=True)


class Watch(Protocol[Seen]):
    """Somebody who looks on."""

    def show(self, result: Seen, /) -> None:
        """Show how far it is."""

    def stopping(self) -> None:
        """Show that it is about to stop; called by a signal."""


@contextmanager
def shown() -> Iterator[Watch[Result]]:
    """Watch on stderr, in the way that suits it."""
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


def how_far(result: Result, now: datetime) -> str:
    """Say how what has ended ended, what holds up the rest, and how long it waits."""
    from ledger.entrypoints.cli.screen.troubles import trouble_in_words, waits_until

    counts = [(getattr(result, outcome.value), outcome.value) for outcome in Outcome]
    ended = ", ".join(f"{count:,} {name}" for count, name in counts if count)
    trouble = trouble_in_words(result.trouble) if result.trouble is not None else ""
    until = waits_until(result.trouble)
    if trouble and until is not None and until > now:
        trouble += f": goes on in {span((until - now).total_seconds())}, at {until.astimezone():%H:%M:%S %Z}"
    beside = f"; {_carried_on(result)}" if result.beside else ""
    if ended:
        return (f"{ended}; {trouble}" if trouble else ended) + beside
    return (f"{trouble}; Ctrl-C pauses" if trouble else NO_ANSWER) + beside


def _carried_on(result: Result) -> str:
    from ledger.entrypoints.cli.screen.plans import recalls_in_words

    return f"also carries on {recalls_in_words(result.beside)}"


class _Lines:
    """A plain line every few seconds; that calls of another recall were made is said at once."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._pace, self._shown_at = _Pace(), time.monotonic()
        self._beside: tuple[int, ...] = ()
        self._waits_until: datetime | None = None

    def stopping(self) -> None:
        write_stopping()

    def show(self, result: Result) -> None:
        pace = self._pace(result)
        if result.beside != self._beside:
            self._beside = result.beside
            say(_carried_on(result))
        if time.monotonic() - self._shown_at < SECONDS_BETWEEN_LINES or self._is_known_to_wait(result):
            return
        self._shown_at = time.monotonic()
        done = result.eligible - result.pending
        say(f"{done:,} of {result.eligible:,} done, {pace}: {how_far(result, self._clock.now())}")

    def _is_known_to_wait(self, result: Result) -> bool:
        """Say whether it was said already until when nothing happens."""
        from ledger.entrypoints.cli.screen.troubles import waits_until

        before, self._waits_until = self._waits_until, waits_until(result.trouble)
        if self._waits_until is None or before is None:
            return False
        return abs(self._waits_until - before) < SAME_WAIT


@contextmanager
def _bar(screen: "Console") -> Iterator[Watch[Result]]:
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    counts, rate = "{task.completed:,.0f} of {task.total:,.0f}", "{task.fields[pace]}"
    pace, clock = _Pace(), SystemClock()
    shown, said = list[Result](), list[str]()

    class TwoLines(Progress):
        """The bar, and under it the outcomes so far."""

        def get_renderables(self) -> Iterator["RenderableType"]:
            yield self.make_tasks_table(self.tasks)
            # Made anew each time that it is drawn: a wait counts down by itself.
            yield Text(how_far(shown[0], clock.now()) if shown else "asking DingTalk")
            yield from map(Text, said)

    class Bar:
        """What is seen is drawn by a thread of its own, ten times a second."""

        def show(self, result: Result) -> None:
            shown[:] = [result]
            done = result.eligible - result.pending
            progress.update(task, completed=done, total=result.eligible, pace=pace(result), visible=True)

        def stopping(self) -> None:
            said.append(STOPPING)

    with TwoLines(BarColumn(20), TextColumn(counts), TextColumn(rate), console=screen, transient=True) as progress:
        task = progress.add_task("recall", total=None, pace="", visible=False)
        yield Bar()
