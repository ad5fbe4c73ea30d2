"""What all processes share while they work: pace, clocks, quota, chores."""

from sqlalchemy import Column, Float, Integer, Table, Text

from ledger.store.schema.base import metadata
from ledger.store.types import UtcDateTime

# One small row per app and API, which all processes share: when the next call may leave.
paces = Table(
    "paces",
    metadata,
    Column("app", Text, primary_key=True),
    Column("api", Text, primary_key=True),
    Column("next_at", UtcDateTime),
    Column("share", Float, nullable=False),
    Column("blocked_until", UtcDateTime),
)

# When the clock of each machine that nobody sets showed zero, as its processes agreed: by it they keep one pace.
machine_clocks = Table(
    "machine_clocks",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("zero_at", UtcDateTime, nullable=False),
)

# Calls of ours that count against the organisation's monthly quota.
usage = Table(
    "usage",
    metadata,
    Column("app", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("calls", Integer, nullable=False),
)

# What workers do now and then: who does it at present, and when it was done last. Each chore is done by one at a time.
chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
)
