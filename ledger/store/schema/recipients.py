"""SQLite's index of recipients: it has none into arrays."""

from sqlalchemy import Column, Integer, MetaData, Table, Text

from ledger.store.schema.base import NAMES

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
