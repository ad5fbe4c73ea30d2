"""Notices on their way, and what somebody wants to hear of."""

from sqlalchemy import Column, Index, Integer, Table, Text

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Document, UtcDateTime

# Notices on their way: one row for each place that has not got it yet, and none once it has.
notices = Table(
    "notices",
    metadata,
    id_column(),
    Column("uid", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("facts", Document, nullable=False),
    Column("place", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Index("ix_notices_next", "next_at"),
    sqlite_autoincrement=True,
)

# How each place stands that notices ever went to: when one has arrived, since when, and why, none does.
notice_places = Table(
    "notice_places",
    metadata,
    Column("name", Text, primary_key=True),
    Column("reached_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("error", Text),
    Column("given_up", Integer, nullable=False),
)

# What was told already: up to which entry of the history, and which conditions.
notice_marks = Table(
    "notice_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Campaigns that somebody wants to hear of before their first message cannot be recalled any more.
watched_campaigns = Table(
    "watched_campaigns",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("before_seconds", Integer, nullable=False),
    Column("watched_by", Text, nullable=False),
    Column("watched_at", UtcDateTime, nullable=False),
)
