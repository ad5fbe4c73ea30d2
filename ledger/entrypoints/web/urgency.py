"""How urgent a deadline is, as every page colours it."""

from datetime import datetime, timedelta

AT_ONCE, SOON = timedelta(minutes=10), timedelta(hours=1)


def urgency(deadline: datetime | None, now: datetime) -> str:
    """Return the style of a deadline: `red` when it is minutes away, `amber` within the hour, else nothing."""
    if deadline is None or deadline <= now:
        return ""
    return "red" if deadline - now < AT_ONCE else "amber" if deadline - now < SOON else ""
