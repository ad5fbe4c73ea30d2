"""The history, what proves it, and what was found in it."""

from sqlalchemy import Column, Index, Table, Text

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Document, Id, UtcDateTime

# Append-only: triggers refuse changes, and each digest covers the one before it. What has left may be deleted.
history = Table(
    "history",
    metadata,
    id_column(),
    Column("at", UtcDateTime, nullable=False),
    Column("event", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("recall_id", Id),
    Column("detail", Document, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_history_recall", "recall_id", "id"),
    sqlite_autoincrement=True,
)

# The history in closed segments of a fixed length: the root of each, so that a checkpoint reads what is new alone.
history_segments = Table(
    "history_segments",
    metadata,
    Column("number", Id, primary_key=True, autoincrement=False),
    Column("last_id", Id, nullable=False),
    Column("root", Text, nullable=False),
)

# Where the history begins once its oldest segments have left: how many entries did, number and digest of the last one.
# The latest row counts, and an entry of the history says the same.
history_starts = Table(
    "history_starts",
    metadata,
    Column("entries", Id, primary_key=True, autoincrement=False),
    Column("last_id", Id, nullable=False),
    Column("digest", Text, nullable=False),
)

# Checkpoints as they were signed, and up to which entry; what proves something is the copy that is kept elsewhere. Once
# that entry has left, its path leads to the root of its segment.
checkpoints = Table(
    "checkpoints",
    metadata,
    id_column(),
    Column("at", UtcDateTime, nullable=False),
    Column("entries", Id, nullable=False),
    Column("last_id", Id, nullable=False),
    Column("document", Document, nullable=False),
    Column("path", Document),
    sqlite_autoincrement=True,
)

# Where checkpoints go: up to which one has arrived, and since when, and why, none does.
anchors = Table(
    "anchors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("checkpoint_id", Id),
    Column("arrived_at", UtcDateTime),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("error", Text),
)

# The latest whole check of the history: how many values it found that are not what the history says, and how many of
# these were listed. Those of recalls are kept beside it, for pages to mark.
verifications = Table(
    "verifications",
    metadata,
    id_column(),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("found", Id, nullable=False),
    Column("listed", Id, nullable=False),
    sqlite_autoincrement=True,
)

disputes = Table(
    "disputes",
    metadata,
    id_column(),
    Column("recall_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("key", Text),
    Column("field", Text),
    Column("history_says", Text, nullable=False),
    Index("ix_disputes_recall", "recall_id"),
    sqlite_autoincrement=True,
)

# Who read the audit over HTTP, and what; the history seals them part by part, up to the last number of a seal.
audit_reads = Table(
    "audit_reads",
    metadata,
    id_column(),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("recall_id", Id),
    Column("filters", Document, nullable=False),
    Column("rows", Id, nullable=False),
    Column("times", Id, nullable=False),
    sqlite_autoincrement=True,
)

audit_read_seals = Table(
    "audit_read_seals",
    metadata,
    Column("last", Id, primary_key=True, autoincrement=False),
)
