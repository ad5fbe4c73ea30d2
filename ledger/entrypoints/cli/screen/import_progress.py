"""Somebody who watches an import: a bar on a terminal, nothing elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.output import console
from ledger.entrypoints.cli.screen.words import number_of, span

if TYPE_CHECKING:
    from ledger.services.recording.batches import Imported

Show = Callable[["Imported"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How large a file is, packed as it may be, and how far it has been read; both in bytes."""

    size_bytes: int
    position: Callable[[], int]


@contextmanager
def shown(extent: Extent | None) -> Iterator[Show]:
    """Show sums on stderr as they grow; without an extent nobody knows how much is to come."""
    screen = console(to_stderr=True)
    if not screen.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (BarColumn(20), TextColumn("{task.percentage:>3.0f}%")) if extent else (SpinnerColumn(),)
    started = time.monotonic()
    with Progress(*columns, TextColumn("{task.fields[message]}"), console=screen, transient=True) as progress:
        task = progress.add_task("import", total=extent.size_bytes if extent else None, message="reading")

        def show(sums: "Imported") -> None:
            done = extent.position() if extent else 0
            message = in_words(sums, time.monotonic() - started, done / extent.size_bytes if extent else None)
            progress.update(task, completed=done, message=message)

        yield show


def in_words(sums: "Imported", seconds: float, share: float | None) -> str:
    """Say how far an import is, how fast it goes, and how long it will take when its share is known."""
    message = f"{number_of(sums.read, 'row')}, {sums.read / max(seconds, 0.001):,.0f} rows/s"
    if sums.rejected_count:
        message += f", {sums.rejected_count:,} rejected"
    if share and share < 1 and sums.read:
        message += f", {span(max(seconds * (1 - share) / share, 1))} left"
    return message
