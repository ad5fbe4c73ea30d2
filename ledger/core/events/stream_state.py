"""How a Stream connection stands, for those who look, and for how long it is left alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Whoever holds a connection says so this often; what was not said again for so long holds none.
SAID_EVERY = timedelta(seconds=10)
GONE_AFTER = timedelta(seconds=60)
# A connection that ends sooner was no good one: then the next one waits longer.
GOOD_AFTER = timedelta(seconds=30)
# What somebody has to fix is tried again this often.
FIXED_LOOK_SECONDS = 60.0
# DingTalk has said that the month's pushes are used up: somebody may buy more.
OVER_QUOTA_LOOK = timedelta(hours=1)


class StreamStanding(StrEnum):
    """What a process does about the events of an app."""

    CONNECTED = "connected"
    AWAY = "away"  # it cannot be had now, and is tried again by itself
    REFUSED = "refused"  # somebody has to fix something
    USED_UP = "used_up"  # the month's pushes are, or what is set of them


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """How the connection of an app stands, since when, and what is wrong if anything is."""

    app: str
    standing: StreamStanding
    since: datetime
    error: str | None = None
