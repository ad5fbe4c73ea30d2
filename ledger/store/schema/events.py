"""Events as they were pushed, and what they told."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Id, UtcDateTime

# Events of messages as they were pushed: somebody has read one, or one was recalled. They go with their message, and
# one of a key that is not known after the 24 hours in which it may become so.
message_events = Table(
    "message_events",
    metadata,
    id_column(),
    Column("event_id", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("process_query_key", Text, nullable=False),
    Column("robot_code", Text),
    Column("user_id", Text),
    Column("happened_at", UtcDateTime),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("event_id"),
    CheckConstraint("kind IN ('read', 'recall')", name="kind"),
    Index("ix_message_events_key", "process_query_key"),
    Index("ix_message_events_received", "received_at"),
    sqlite_autoincrement=True,
)

# Messages that other hands have taken back, and what told of it; they go with their message.
recalled_elsewhere = Table(
    "recalled_elsewhere",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    Column("robot_code", Text, nullable=False),
    Column("process_query_key", Text, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    Column("cause", Text, nullable=False),
)

# Pushes that count against the organisation's monthly quota of them, whatever was in them, by the process to which they
# came: it numbers them, and the highest number stands here.
event_usage = Table(
    "event_usage",
    metadata,
    Column("app", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("pushes", Integer, nullable=False),
)

# What each process does about the events of each app, said again and again while it lives.
stream_connections = Table(
    "stream_connections",
    metadata,
    Column("app", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("standing", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("seen_at", UtcDateTime, nullable=False),
    CheckConstraint("standing IN ('connected', 'away', 'refused', 'used_up')", name="standing"),
)
