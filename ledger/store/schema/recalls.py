"""Recalls: planned, approved, frozen, called."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Document, Id, UserIds, UtcDateTime

recalls = Table(
    "recalls",
    metadata,
    id_column(),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("selection", Document, nullable=False),
    Column("include_shared", Boolean, nullable=False),
    Column("plan", Document, nullable=False),
    Column("error", Document),
    Column("next_lane", Integer, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("activated_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("sticky_until", UtcDateTime),
    Column("follows", Id),
    # Who moved it last: started, resumed, retried, cancelled or refused it.
    Column("moved_by", Text),
    # How many of the messages that its plan saw are no items, and no skips, yet.
    Column("unfrozen_items", Integer, nullable=False, server_default=text("0")),
    Column("unfrozen_skips", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name="status"),
    CheckConstraint("length(reason) > 0", name="reason"),
    CheckConstraint("length(actor) > 0", name="actor"),
    Index("ix_recalls_status", "status"),
    Index("ix_recalls_sticky", "sticky_until"),
    sqlite_autoincrement=True,
)

# Which messages a plan saw, packed: there until all of them are items and skips, which they become once it is run.
plan_messages = Table(
    "plan_messages",
    metadata,
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("apis", Document, nullable=False),
    Column("campaigns", Document, nullable=False),
    Column("taken", LargeBinary, nullable=False),
    Column("lanes", LargeBinary, nullable=False),
    Column("which_api", LargeBinary, nullable=False),
    Column("sizes", LargeBinary, nullable=False),
    Column("which_campaign", LargeBinary, nullable=False),
    Column("skipped", LargeBinary, nullable=False),
    Column("standings", LargeBinary, nullable=False),
    Column("skipped_campaign", LargeBinary, nullable=False),
)

# A copy of what each message was, so that the purge never takes history along. A lane holds the items that may travel
# in one call: a route at first, smaller groups once a call was split.
recall_items = Table(
    "recall_items",
    metadata,
    id_column(),
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Id, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("app", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("robot_code", Text, nullable=False),
    Column("open_conversation_id", Text),
    Column("process_query_key", Text, nullable=False),
    Column("campaign", Text),
    Column("source", Text),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("deadline", UtcDateTime, nullable=False),
    Column("recipients", UserIds, nullable=False),
    Column("undelivered", Document, nullable=False),
    Column("outcome", Text),
    Column("code", Text),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("in_doubt", Boolean, nullable=False, server_default=text("false")),
    # The call that it left in and that nobody answered: what left together mostly shares its fate.
    Column("asked_with", Id),
    Column("not_before", UtcDateTime),
    Column("call_id", Id),
    Column("finished_at", UtcDateTime),
    # Who ran the round in which it ended, or ended it by hand.
    Column("ended_by", Text),
    UniqueConstraint("recall_id", "message_id"),
    CheckConstraint(
        "outcome IN ('recalled', 'refused', 'partial', 'expired', 'unknown', 'cancelled')",
        name="outcome",
    ),
    CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="finished"),
    Index("ix_recall_items_outcome", "recall_id", "outcome"),
    Index("ix_recall_items_message", "message_id"),
    Index("ix_recall_items_call", "call_id"),
    sqlite_autoincrement=True,
)

# What was selected but not taken, and why: messages that were too late or spared are facts of history too.
recall_skips = Table(
    "recall_skips",
    metadata,
    id_column(),
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), nullable=False),
    Column("standing", Text, nullable=False),
    Column("robot_code", Text, nullable=False),
    Column("process_query_key", Text, nullable=False),
    Column("campaign", Text),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("deadline", UtcDateTime, nullable=False),
    Column("recipients", UserIds, nullable=False),
    CheckConstraint(
        "standing IN ('expired', 'already_recalled', 'in_progress', 'shared_skipped', 'unconfigured', "
        "'recalled_elsewhere')",
        name="standing",
    ),
    Index("ix_recall_skips_recall", "recall_id", "id"),
    sqlite_autoincrement=True,
)

# One row for each HTTP request of a recall: written before it leaves, completed after.
recall_calls = Table(
    "recall_calls",
    metadata,
    id_column(),
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), nullable=False),
    Column("app", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("robot_code", Text, nullable=False),
    Column("key_count", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("slot_at", UtcDateTime, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("verdict", Text),
    Column("http_status", Integer),
    Column("code", Text),
    Column("reason", Text),
    Column("request_id", Text),
    Column("duration_ms", Integer),
    # Who ran the round in which it was made.
    Column("run_by", Text),
    CheckConstraint("key_count BETWEEN 1 AND 20", name="key_count"),
    CheckConstraint("(finished_at IS NULL) = (verdict IS NULL)", name="finished"),
    Index("ix_recall_calls_recall", "recall_id", "id"),
    sqlite_autoincrement=True,
)

# A plan that is too large for one person: who wants to run it, and what somebody else said. The reason is a refusal's.
approvals = Table(
    "approvals",
    metadata,
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False),
    Column("verdict", Text),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("reason", Text),
    CheckConstraint("verdict IN ('approved', 'refused')", name="verdict"),
    CheckConstraint("(verdict IS NULL) = (decided_by IS NULL)", name="decided"),
    CheckConstraint("decided_by <> requested_by", name="two_people"),
)

# What was started without the second person that it needs: by whom, why, and who has reviewed it since.
break_glass = Table(
    "break_glass",
    metadata,
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("broken_by", Text, nullable=False),
    Column("broken_at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reviewed_by", Text),
    Column("reviewed_at", UtcDateTime),
    Column("review", Text),
    CheckConstraint("(reviewed_by IS NULL) = (review IS NULL)", name="reviewed"),
    CheckConstraint("reviewed_by <> broken_by", name="two_people"),
)

# A plan that was confirmed and runs at a moment of its own: whose word that is. It stays beside the recall.
schedules = Table(
    "schedules",
    metadata,
    Column("recall_id", Id, ForeignKey("recalls.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("is_proven", Boolean, nullable=False),
    Index("ix_schedules_run_at", "run_at"),
)
