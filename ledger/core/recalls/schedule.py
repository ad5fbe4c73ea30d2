"""A recall set in advance: planned and confirmed now, run at a moment that somebody chose."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.clock import format_time
from ledger.errors import BadMomentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a plan runs, and who wants that; it is proven when they had a token."""

    run_at: datetime
    set_by: str
    set_at: datetime
    is_proven: bool


def check_moment(run_at: datetime, now: datetime, first_deadline: datetime, margin: timedelta) -> datetime:
    """Return the moment of a schedule; raise BadMomentError when it has passed, or the first message would not last."""
    latest = first_deadline - margin
    # People read this, and type it again: it is the last whole second.
    last = format_time(latest.replace(microsecond=0))
    if run_at > latest:
        raise BadMomentError(
            f"{format_time(run_at)} is too late: the first of these messages can be recalled until "
            f"{format_time(first_deadline.replace(microsecond=0))} only. The latest moment is {last}"
        )
    if run_at <= now:
        raise BadMomentError(
            f"{format_time(run_at)} has passed: leave the time away to recall now, or give one up to {last}"
        )
    return run_at
