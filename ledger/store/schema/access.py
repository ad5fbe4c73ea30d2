"""Who may use the service, what came before, and what decides for everybody."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from ledger.store.schema.base import id_column, metadata
from ledger.store.types import Id, UserIds, UtcDateTime

# Who may use the service. A token itself is never stored: its digest finds it, its first letters tell people which.
tokens = Table(
    "tokens",
    metadata,
    id_column(),
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

# What decides for everybody who works with this database, whatever their own settings say: of each name the latest row.
# Without a value it decides nothing any more.
policies = Table(
    "policies",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("value", Integer),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)
