"""Messages as they were recorded, by campaign, and sends of which no key came."""

from sqlalchemy import CheckConstraint, Column, Identity, Index, Integer, Table, Text, UniqueConstraint, text

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Document, Id, UserIds, UtcDateTime

# What can still be recalled. Recipients live in the row: one row a message is a third of the size and twice the speed
# of a row a recipient. AUTOINCREMENT, because items point at ids that the purge has freed.
messages = Table(
    "messages",
    metadata,
    id_column(),
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
    id_column(),
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

# Campaigns of which nothing more is to be sent, each until somebody lets it go on.
sending_stops = Table(
    "sending_stops",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("stopped_by", Text, nullable=False),
    Column("stopped_at", UtcDateTime, nullable=False),
    Column("recall_id", Id),
)
