"""Words: how numbers, times and keys are written for people."""

from datetime import datetime, timedelta

from ledger.core.json_value import printable
from ledger.entrypoints.formats.decisions import number_of as number_of


def is_are(count: int) -> str:
    """Write the verb that fits a number."""
    return "is" if count == 1 else "are"


def moment(at: datetime | None) -> str:
    """Write a time in the local zone, which is named; of another year with its year."""
    if at is None:
        return "-"
    local = at.astimezone()
    year = "" if local.year == datetime.now().astimezone().year else " %Y"
    return f"{local.day} {local.strftime(f'%b{year} %H:%M %Z')}"


def exact_moment(at: datetime | None) -> str:
    """Write a time in the local zone to the second, as what happens within a minute needs it."""
    if at is None:
        return "-"
    local = at.astimezone()
    return f"{moment(at).rsplit(' ', 2)[0]} {local:%H:%M:%S %Z}"


def day_and_time(at: datetime | None) -> str:
    """Write a time in the local zone in few cells: `25 Nov 12:22`."""
    return "-" if at is None else f"{at.astimezone().day} {at.astimezone():%b %H:%M}"


def time_of(at: datetime | None, now: datetime) -> str:
    """Write a time in the local zone, which is named: `22:15 CET`, on another day `Sat 22:15 CET`."""
    return "-" if at is None else f"{clock_of(at, now)} {at.astimezone():%Z}"


def clock_of(at: datetime, now: datetime) -> str:
    """Write what a clock shows then in the local zone, with the day when that is another one: `22:15`, `Sat 22:15`."""
    local, today = at.astimezone(), now.astimezone().date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if abs(local.date() - today) < timedelta(days=7) else day_and_time(at)


def left(deadline: datetime | None, now: datetime) -> str:
    """Write how long something can still be recalled: `3 h 12 min left`."""
    if deadline is None:
        return "-"
    seconds = (deadline - now).total_seconds()
    return f"{span(seconds)} left" if seconds > 0 else "over"


def deadline_and_left(deadline: datetime | None, now: datetime) -> str:
    """Write a deadline with what is left until then."""
    return f"{moment(deadline)}, {left(deadline, now)}"


def span(seconds: float) -> str:
    """Write a length of time in its two largest units: `3 h 12 min`, `4 min 10 s`, `8 s`, `0.3 s`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f}".removesuffix(".0") + " s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    (large, one), (small, other) = (
        ((whole // 60, "min"), (whole % 60, "s"))
        if whole < 3600
        else ((whole // 3600, "h"), (whole % 3600 // 60, "min"))
    )
    return f"{large:,} {one} {small} {other}" if small else f"{large:,} {one}"


def plain(text: str | None) -> str:
    """Return text that a terminal may be given: what does not print is shown as an escape; None as a dash."""
    return "-" if text is None else printable(text)
