"""The tables. Names, types and constraints only; a new one needs a migration, and a test compares the two whole."""

from sqlalchemy import Connection, MetaData, event

from ledger.store.schema.access import answers, policies, sessions, tokens
from ledger.store.schema.audit import (
    anchors,
    audit_read_seals,
    audit_reads,
    checkpoints,
    disputes,
    history,
    history_segments,
    history_starts,
    verifications,
)
from ledger.store.schema.base import REVISION, metadata
from ledger.store.schema.corrections import correction_sends, corrections
from ledger.store.schema.events import event_usage, message_events, recalled_elsewhere, stream_connections
from ledger.store.schema.machinery import chores, machine_clocks, paces, usage
from ledger.store.schema.notices import notice_marks, notice_places, notices, watched_campaigns
from ledger.store.schema.persons import person_commitments, person_secrets
from ledger.store.schema.recalls import (
    approvals,
    break_glass,
    plan_messages,
    recall_calls,
    recall_items,
    recall_skips,
    recalls,
    schedules,
)
from ledger.store.schema.recipients import message_recipients, recall_item_recipients, sqlite_metadata
from ledger.store.schema.recording import (
    campaign_people,
    keyless_sends,
    message_counts,
    messages,
    read_counts,
    sending_stops,
)
from ledger.store.schema.special_indexes import ARRAY_INDEXES, PARTIAL_INDEXES
from ledger.store.schema.triggers import POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS

__all__ = [
    "POSTGRESQL_TRIGGERS",
    "REVISION",
    "SQLITE_TRIGGERS",
    "anchors",
    "answers",
    "approvals",
    "audit_read_seals",
    "audit_reads",
    "break_glass",
    "campaign_people",
    "checkpoints",
    "chores",
    "correction_sends",
    "corrections",
    "disputes",
    "event_usage",
    "history",
    "history_segments",
    "history_starts",
    "keyless_sends",
    "machine_clocks",
    "message_counts",
    "message_events",
    "message_recipients",
    "messages",
    "metadata",
    "notice_marks",
    "notice_places",
    "notices",
    "paces",
    "person_commitments",
    "person_secrets",
    "plan_messages",
    "policies",
    "read_counts",
    "recall_calls",
    "recall_item_recipients",
    "recall_items",
    "recall_skips",
    "recalled_elsewhere",
    "recalls",
    "schedules",
    "sending_stops",
    "sessions",
    "sqlite_metadata",
    "stream_connections",
    "tokens",
    "usage",
    "verifications",
    "watched_campaigns",
]


@event.listens_for(metadata, "after_create")
def _complete(_: MetaData, connection: Connection, **_kw: object) -> None:
    """Add what the table definitions cannot say."""
    if connection.dialect.name == "sqlite":
        sqlite_metadata.create_all(connection)
    rest = SQLITE_TRIGGERS if connection.dialect.name == "sqlite" else (*ARRAY_INDEXES, *POSTGRESQL_TRIGGERS)
    for statement in (*PARTIAL_INDEXES, *rest):
        connection.exec_driver_sql(statement)
