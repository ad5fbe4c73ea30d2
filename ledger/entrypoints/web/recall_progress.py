"""Where a recall stands, as a page draws it: the bar of outcomes, how far it is."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.core.recalls.recall import RETRYABLE, Outcome, Result
from ledger.entrypoints.web.progress_icon import progress_icon
from ledger.services.reports.courses import Course

BAR_WIDTH = 1000
WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the bar: an outcome (or what waits), how many there are, and where it is drawn."""

    name: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class RecallProgress:
    """A recall that goes on, or has ended, and how it goes, where that was looked at."""

    result: Result
    course: Course | None = None

    @property
    def done(self) -> int:
        """How many messages have ended."""
        return self.result.eligible - self.result.pending

    @property
    def failed(self) -> int:
        """How many have ended, and are not recalled."""
        return self.done - self.result.recalled

    @property
    def again(self) -> int:
        """How many could be asked for again."""
        return sum(getattr(self.result, outcome.value) for outcome in RETRYABLE)

    @property
    def percent(self) -> int:
        """How much of it has ended; a hundred only once nothing waits."""
        return self.done * 100 // self.result.eligible if self.result.eligible else 100

    @property
    def icon(self) -> str | None:
        """What its page shows on its tab, while it goes on."""
        return progress_icon(self.percent, self.result.status)

    @property
    def parts(self) -> list[Part]:
        """The bar, from left to right; what is not there has no part."""
        counts = [(outcome.value, getattr(self.result, outcome.value)) for outcome in Outcome]
        return list(_drawn([*counts, (WAITING, self.result.pending)], self.result.eligible))


def _drawn(counts: list[tuple[str, int]], total: int) -> Iterator[Part]:
    start = 0.0
    for name, count in counts:
        if count:
            width = BAR_WIDTH * count / total
            yield Part(name=name, count=count, start=round(start, 2), width=round(width, 2))
            start += width
