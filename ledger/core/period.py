"""A part of time, of which either end may be open."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.clock import as_utc, format_time
from ledger.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `since` on, and before `until`; None leaves an end open."""

    since: datetime | None = None
    until: datetime | None = None


ALWAYS = Period()


def period(since: datetime | None, until: datetime | None, *, prefix: str = "") -> Period:
    """Return the time between two moments; raise InputError for naive ones, and where nothing lies between them.

    `prefix` is what the names of both begin with where people give them.
    """
    since, until = since and as_utc(since), until and as_utc(until)
    if since is not None and until is not None and until <= since:
        raise InputError(
            f"{prefix}until is not after {prefix}since, so that nothing lies between them: "
            f"{format_time(since)}, {format_time(until)}"
        )
    return Period(since=since, until=until)


def period_of_recall(since: datetime | None, until: datetime | None) -> Period:
    """Return the time in which recalls started, as people give it with `recalled_since` and `recalled_until`."""
    return period(since, until, prefix="recalled_")


def moved(moment: datetime, by: timedelta) -> datetime:
    """Return the moment that is so much later, or earlier; beyond all of them, the last or the first."""
    try:
        return moment + by
    except OverflowError:
        if by > timedelta():
            return datetime.max.replace(tzinfo=moment.tzinfo)
        return datetime.min.replace(tzinfo=moment.tzinfo)
