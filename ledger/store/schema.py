"""The tables. Names, types and constraints only; a new one needs a migration, and a test compares the two whole."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from ledger.store.count_triggers import POSTGRESQL_COUNTS, SQLITE_COUNTS
from ledger.store.special_indexes import ARRAY_INDEXES, PARTIAL_INDEXES
from ledger.store.types import Document, Id, UserIds, UtcDateTime

REVISION = "0027"

NAMES = {
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMES)


def _id() -> Column[int]:
    return Column("id", Id, Identity(), primary_key=True)


# What can still be recalled. Recipients live in the row: one row a message is a third of the size and twice the speed
# of a row a recipient. AUTOINCREMENT, because items point at ids that the purge has freed.
messages = Table(
    "messages",
    metadata,
    _id(),
    Column("robot_code", Text, nullable=False),
    Column("process_query_key", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("open_conversation_id", Text),
    Column("campaign", Text),
    Column("source", Text),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("deadline", UtcDateTime, nullable=False),
    Column("recipients", UserIds, nullable=False),
    Column("recipient_count", Integer, nullable=False),
    Column("undelivered", Document, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    # Last, as a migration added it.
    Column("excerpt", Text),
    # When it shall vanish by itself; no more once a recall was started for that.
    Column("expires_at", UtcDateTime),
    # The key first: people look for keys without their robot.
    UniqueConstraint("process_query_key", "robot_code"),
    CheckConstraint("length(process_query_key) BETWEEN 1 AND 1024", name="key_length"),
    CheckConstraint("chat IN ('one_to_one', 'group', 'private')", name="chat"),
    CheckConstraint("(chat = 'one_to_one') = (open_conversation_id IS NULL)", name="conversation"),
    Index("ix_messages_deadline", "deadline"),
    Index("ix_messages_campaign", "campaign", "deadline"),
    sqlite_autoincrement=True,
)

# Sends that may have reached people, and whose key never came back: they cannot be recalled, and somebody has to know.
keyless_sends = Table(
    "keyless_sends",
    metadata,
    _id(),
    Column("trace", Text, nullable=False),
    Column("robot_code", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("open_conversation_id", Text),
    Column("campaign", Text),
    Column("source", Text),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("recipients", UserIds, nullable=False),
    Column("why", Text, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'no_key'")),
    UniqueConstraint("trace"),
    CheckConstraint("chat IN ('one_to_one', 'group', 'private')", name="chat"),
    Index("ix_keyless_sends_sent_at", "sent_at"),
    sqlite_autoincrement=True,
)

recalls = Table(
    "recalls",
    metadata,
    _id(),
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
    _id(),
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
    _id(),
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
    _id(),
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

# Events of messages as they were pushed: somebody has read one, or one was recalled. They go with their message, and
# one of a key that is not known after the 24 hours in which it may become so.
message_events = Table(
    "message_events",
    metadata,
    _id(),
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

# What workers do now and then: who does it at present, and when it was done last. Each chore is done by one at a time.
chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
)

# Who may use the service. A token itself is never stored: its digest finds it, its first letters tell people which.
tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("robots", UserIds, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # Whose it is, when its name does not say so; of one person there may be several.
    Column("owner", Text),
    # As robots: the beginnings of the campaigns that it may touch; none for all.
    Column("campaigns", UserIds),
    CheckConstraint("role IN ('recorder', 'operator', 'approver', 'auditor', 'admin', 'agent')", name="role"),
    CheckConstraint("length(name) > 0", name="name"),
    sqlite_autoincrement=True,
)

# Who is signed in at the console; as with tokens, only the digest of what the browser holds is stored.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("token_id", Id, ForeignKey("tokens.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_sessions_token", "token_id"),
    Index("ix_sessions_expires", "expires_at"),
)

# Answers to requests that may come twice. Without an answer, the first of them is still being worked on.
answers = Table(
    "answers",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_digest", Text, nullable=False),
    Column("claim", Text, nullable=False),
    Column("status", Integer),
    Column("body", Text),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_answers_expires", "expires_at"),
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

# What `messages` holds, counted by triggers (count_triggers.py): what is true is the sum over the parts. Each minute is
# one of deadlines, since 1970.
message_counts = Table(
    "message_counts",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("robot_code", Text, primary_key=True),
    Column("minute", Id, primary_key=True),
    Column("part", Id, Identity(), primary_key=True),
    Column("messages", Id, nullable=False),
    Column("recipients", Id, nullable=False),
    Column("recipients_unknown", Id, nullable=False),
    Column("recalled", Id, nullable=False),
    Column("changes", Id, nullable=False),
    sqlite_with_rowid=False,
)

# How many people each campaign reached, by some robots or (empty) all of them, when so much had changed in it.
campaign_people = Table(
    "campaign_people",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("robots", Text, primary_key=True),
    Column("changes", Id, nullable=False),
    Column("people", Id, nullable=False),
    Column("counted_at", UtcDateTime, nullable=False),
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

# One message to the people from whom a recall took another one back: what it says, on whose word, and the second
# person that it may need. It goes with its recall.
corrections = Table(
    "corrections",
    metadata,
    _id(),
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
    _id(),
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
# What decides for everybody who works with this database, whatever their own settings say: of each name the latest row.
# Without a value it decides nothing any more.
policies = Table(
    "policies",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("value", Integer),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Campaigns of which nothing more is to be sent, each until somebody lets it go on.
sending_stops = Table(
    "sending_stops",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("stopped_by", Text, nullable=False),
    Column("stopped_at", UtcDateTime, nullable=False),
    Column("recall_id", Id),
)

# Notices on their way: one row for each place that has not got it yet, and none once it has.
notices = Table(
    "notices",
    metadata,
    _id(),
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

# How many people had read a message, the last time that DingTalk was asked: numbers alone, no ids of people. Without a
# number of those who had not, it told of readers only.
read_counts = Table(
    "read_counts",
    metadata,
    Column("message_id", Id, primary_key=True, autoincrement=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("status", Text),
    Column("read", Integer, nullable=False),
    Column("unread", Integer),
)

# Append-only: triggers refuse changes, and each digest covers the one before it. What has left may be deleted.
history = Table(
    "history",
    metadata,
    _id(),
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
    _id(),
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
    _id(),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("found", Id, nullable=False),
    Column("listed", Id, nullable=False),
    sqlite_autoincrement=True,
)

disputes = Table(
    "disputes",
    metadata,
    _id(),
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
    _id(),
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

# What commitments are made of, by which the history names people; another one after each erasure.
person_secrets = Table(
    "person_secrets",
    metadata,
    _id(),
    Column("secret", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# The commitments of those who were in the history when somebody was erased; whoever was stands there by a pseudonym.
person_commitments = Table(
    "person_commitments",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("commitment", Text, nullable=False),
    sqlite_with_rowid=False,
)

# SQLite has no index into arrays: triggers keep two narrow tables. The hour of sending comes first, so that inserts
# stay in one place and the purge drops whole hours; a search probes each hour of the window. Items have no hours that
# follow each other: of them it is the block of 4096 numbers, and a search probes each block.
sqlite_metadata = MetaData(naming_convention=NAMES)
message_recipients = Table(
    "message_recipients",
    sqlite_metadata,
    Column("sent_hour", Integer, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("message_id", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
recall_item_recipients = Table(
    "recall_item_recipients",
    sqlite_metadata,
    Column("item_block", Integer, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("item_id", Integer, primary_key=True),
    sqlite_with_rowid=False,
)

SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER messages_index_recipients AFTER INSERT ON messages BEGIN
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER messages_reindex_recipients AFTER UPDATE OF recipients ON messages BEGIN
        DELETE FROM message_recipients
        WHERE sent_hour = CAST(strftime('%s', OLD.sent_at) AS INTEGER) / 3600 AND message_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_index_recipients AFTER INSERT ON recall_items BEGIN
        INSERT INTO recall_item_recipients (item_block, user_id, item_id)
        SELECT NEW.id / 4096, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_forget_recipients AFTER DELETE ON recall_items BEGIN
        DELETE FROM recall_item_recipients
        WHERE item_block = OLD.id / 4096 AND item_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
    END
    """,
    """
    CREATE TRIGGER history_no_update BEFORE UPDATE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
    """
    CREATE TRIGGER history_no_delete BEFORE DELETE ON history
    WHEN OLD.id > coalesce((SELECT max(last_id) FROM history_starts), 0) BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
    *SQLITE_COUNTS,
)
POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.id <= (SELECT max(last_id) FROM history_starts) THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION 'history is append-only';
    END
    $$
    """,
    """
    CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE ON history
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
    *POSTGRESQL_COUNTS,
)


@event.listens_for(metadata, "after_create")
def _complete(_: MetaData, connection: Connection, **_kw: object) -> None:
    """Add what the table definitions cannot say."""
    if connection.dialect.name == "sqlite":
        sqlite_metadata.create_all(connection)
    rest = SQLITE_TRIGGERS if connection.dialect.name == "sqlite" else (*ARRAY_INDEXES, *POSTGRESQL_TRIGGERS)
    for statement in (*PARTIAL_INDEXES, *rest):
        connection.exec_driver_sql(statement)
