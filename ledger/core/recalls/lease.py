"""Leases as a rule: until when a call belongs to the process that opened it."""

from datetime import datetime, timedelta

# Several times what any lease lasts: one that seems to last longer was written before a clock was set back, by a
# process of another boot. A server whose clock is set back by less takes no call from anybody who lives.
LONGEST_LEASE = timedelta(minutes=5)


def is_over(until: datetime, now: datetime) -> bool:
    """Say whether a lease until a moment has ended."""
    return until <= now or until > now + LONGEST_LEASE
