"""Somebody who watches a check of many rows: a bar on a terminal, nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ledger.entrypoints.cli.screen.output import console
from ledger.services.reports.row_progress import UNSEEN, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

Row = TypeVar("Row")
ROWS_PER_STEP = 500


@contextmanager
def rows_shown() -> Iterator[Progress]:
    """Watch on stderr."""
    screen = console(to_stderr=True)
    if not screen.is_terminal:
        yield UNSEEN
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    counts = TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows")
    with RichProgress(BarColumn(20), counts, TimeRemainingColumn(), console=screen, transient=True) as bars:
        yield _RowBar(bars)


class _RowBar(Progress):
    """A bar over all rows that are looked at."""

    def __init__(self, bars: "Bars") -> None:
        self._bars = bars
        self._task = bars.add_task("check", total=None, visible=False)

    def begin(self, count: Callable[[], int]) -> None:
        """Begin a look at so many rows."""
        self._bars.update(self._task, total=count(), visible=True)

    def over(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Pass rows on, and move the bar now and then."""
        for number, row in enumerate(rows, 1):
            if number % ROWS_PER_STEP == 0:
                self._bars.advance(self._task, ROWS_PER_STEP)
            yield row
