"""Corrections and their sends."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Document, Id, UserIds, UtcDateTime

# One message to the people from whom a recall took another one back: what it says, on whose word, and the second
# person that it may need. It goes with its recall.
corrections = Table(
    "corrections",
    metadata,
    id_column(),
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("msg_key", Text, nullable=False),
    Column("msg_param", Text, nullable=False),
    Column("plan", Document, nullable=False),
    # A digest over who was to get it when it was planned: who that is, is looked up again when it starts.
    Column("seen", Text, nullable=False),
    Column("error", Document),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("moved_by", Text),
    Column("requested_by", Text),
    Column("requested_at", UtcDateTime),
    Column("valid_until", UtcDateTime),
    Column("verdict", Text),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("refusal", Text),
    CheckConstraint("status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name="status"),
    CheckConstraint("verdict IN ('approved', 'refused')", name="verdict"),
    CheckConstraint("decided_by <> requested_by", name="two_people"),
    Index("ix_corrections_recall", "recall_id", "id"),
    Index("ix_corrections_status", "status"),
    sqlite_autoincrement=True,
)

# Who gets one call of a correction, and what became of it. While it has an owner and no outcome it is on its way: a
# lease as those of `recall_calls`, and what is lost with it is not sent again.
correction_sends = Table(
    "correction_sends",
    metadata,
    id_column(),
    Column("correction_id", Id, ForeignKey("corrections.id", ondelete="CASCADE"), nullable=False),
    Column("app", Text, nullable=False),
    Column("robot_code", Text, nullable=False),
    Column("recipients", UserIds, nullable=False),
    Column("undelivered", Document, nullable=False),
    Column("process_query_key", Text),
    Column("outcome", Text),
    Column("code", Text),
    Column("reason", Text),
    Column("http_status", Integer),
    Column("request_id", Text),
    Column("duration_ms", Integer),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # How many of these certainly never left.
    Column("never_left", Integer, nullable=False, server_default=text("0")),
    Column("not_before", UtcDateTime),
    Column("owner", Text),
    Column("slot_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("ended_by", Text),
    CheckConstraint("outcome IN ('sent', 'unknown', 'refused', 'cancelled', 'split')", name="outcome"),
    CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished"),
    Index("ix_correction_sends_correction", "correction_id", "id"),
    sqlite_autoincrement=True,
)
