"""A screen that goes on: it looks again and again, counts down in between, and leaves the terminal as it was."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger.clock import Clock
from ledger.entrypoints.cli.screen.now import Line, Look, now_lines
from ledger.entrypoints.cli.screen.sheet import cut_at_end
from ledger.entrypoints.cli.screen.words import exact_moment
from ledger.errors import DatabaseError

if TYPE_CHECKING:
    from rich.console import Console

TICK_SECONDS = 1.0


class LiveNow:
    """Looks when it is time to, and says what is to be shown; while the database is away it shows the last look."""

    def __init__(self, look: Callable[[], Look], clock: Clock, every_seconds: float) -> None:
        self._look, self._clock, self._every_seconds = look, clock, every_seconds
        self._seen: Look | None = None
        self._away: str | None = None
        self._next_at = clock.monotonic()

    def tick(self) -> None:
        """Look, if it is time to."""
        if self._clock.monotonic() < self._next_at:
            return
        try:
            self._seen, self._away = self._look(), None
        except DatabaseError as error:
            self._away = str(error)
        self._next_at = self._clock.monotonic() + self._every_seconds

    def lines(self, columns: int, rows: int) -> list[Line]:
        """Return the lines of this moment."""
        now = self._clock.now()
        lines: list[Line] = [(f"Now, {exact_moment(now)}  (Ctrl-C ends it)", "bold")]
        if self._away is not None:
            wait = max(self._next_at - self._clock.monotonic(), 0.0)
            lines.append((f"the database is away, trying again in {wait:.0f} s: {self._away}", "bold red"))
            if self._seen is not None:
                lines.append((f"what follows is of {exact_moment(self._seen.at)}", "yellow"))
        lines.append(("", None))
        if self._seen is not None:
            lines += now_lines(self._seen, now, columns=columns, rows=rows - len(lines))
        return [(cut_at_end(text, columns), style) for text, style in lines[:rows]]


def show_live(paper: "Console", live: LiveNow) -> None:
    """Show it until somebody ends it with Ctrl-C, or the process is told to end."""
    from rich.live import Live
    from rich.text import Text

    def drawn(lines: Sequence[Line]) -> Text:
        return Text("\n").join(Text(text, style=style or "", no_wrap=True) for text, style in lines)

    with _ended_by_signals(), Live(console=paper, screen=True, auto_refresh=False) as screen:
        tick = threading.Event()
        while True:
            live.tick()
            screen.update(drawn(live.lines(paper.width, paper.height)), refresh=True)
            tick.wait(TICK_SECONDS)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End quietly with Ctrl-C, as with the other signals that end a process, in the middle of a look as well."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
