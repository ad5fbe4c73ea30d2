"""Indexes of some rows of a table, or of what is in its arrays: in SQL, so that no dialect is loaded to write them."""

_WAITING = "outcome IS NULL AND call_id IS NULL"
_ENDED = "outcome IS NOT NULL"

# Both databases read them alike.
PARTIAL_INDEXES = (
    "CREATE INDEX ix_messages_expires ON messages (expires_at) WHERE expires_at IS NOT NULL",
    # The claim reads the first two from their start: ordering by anything else would scan the finished rows.
    f"CREATE INDEX ix_recall_items_next ON recall_items (recall_id, app, chat, deadline, id) WHERE {_WAITING}",
    f"CREATE INDEX ix_recall_items_lane ON recall_items (recall_id, lane, deadline, id) WHERE {_WAITING}",
    # What somebody did in the history, and the few that are not recalled, newest first.
    f"CREATE INDEX ix_recall_items_ended_by ON recall_items (ended_by, finished_at, id) WHERE {_ENDED}",
    "CREATE INDEX ix_recall_items_failed ON recall_items (outcome, finished_at, id) WHERE outcome <> 'recalled'",
    f"CREATE INDEX ix_recall_items_finished ON recall_items (finished_at, id) WHERE {_ENDED}",
    f"CREATE INDEX ix_recall_items_campaign ON recall_items (campaign, finished_at) WHERE {_ENDED}",
    f"CREATE INDEX ix_recall_items_key ON recall_items (process_query_key) WHERE {_ENDED}",
    "CREATE INDEX ix_recall_calls_in_flight ON recall_calls (lease_until) WHERE finished_at IS NULL",
    # A name is the actor of what its token does: two that work at once would be one in the history.
    "CREATE UNIQUE INDEX uq_tokens_valid_name ON tokens (name) WHERE revoked_at IS NULL",
    "CREATE INDEX ix_correction_sends_unended ON correction_sends (correction_id, app, id) WHERE outcome IS NULL",
    "CREATE INDEX ix_break_glass_open ON break_glass (recall_id) WHERE reviewed_by IS NULL",
    "CREATE INDEX ix_message_events_recalls ON message_events (process_query_key) WHERE kind = 'recall'",
)

# Of PostgreSQL; on SQLite, triggers keep tables for it.
ARRAY_INDEXES = (
    "CREATE INDEX ix_messages_recipients ON messages USING gin (recipients)",
    f"CREATE INDEX ix_recall_items_recipients ON recall_items USING gin (recipients) WHERE {_ENDED}",
)
