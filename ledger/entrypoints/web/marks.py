"""Which recalls are at a campaign, or wait to be: marks beside its name, which lead there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.core.recalls.recall import Result
from ledger.core.recalls.recall_state import RecallState, state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A recall that was asked for of a campaign, and how it stands."""

    recall_id: int
    state: RecallState
    scheduled_at: datetime | None


def marks_of(results: Iterable[Result], now: datetime) -> dict[str, list[Mark]]:
    """Return the marks of each campaign, in the order of the recalls; one that comes twice has one mark."""
    marks: dict[str, list[Mark]] = {}
    for one in {result.recall_id: result for result in results}.values():
        mark = Mark(recall_id=one.recall_id, state=state_of(one, now), scheduled_at=one.scheduled_at)
        for name in one.campaigns:
            marks.setdefault(name, []).append(mark)
    return marks
