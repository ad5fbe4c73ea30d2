"""What the service needs: tokens, sessions, answers to requests that may come twice, and approvals.

Revision 0003, after 0002. Both directions are written, for both databases.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
Texts = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("robots", Texts, nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("last_used_at", Moment, nullable=True),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.CheckConstraint("role IN ('recorder', 'operator', 'auditor', 'admin')", name=op.f("ck_tokens_role")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_tokens_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_tokens_valid_name",
        "tokens",
        ["name"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
        sqlite_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("token_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_sessions_token_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"])
    op.create_index("ix_sessions_token", "sessions", ["token_id"])
    op.create_table(
        "answers",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("expires_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_answers")),
    )
    op.create_index("ix_answers_expires", "answers", ["expires_at"])
    op.create_table(
        "approvals",
        sa.Column("recall_id", Id, autoincrement=False, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", Moment, nullable=False),
        sa.Column("valid_until", Moment, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", Moment, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("verdict IN ('approved', 'refused')", name=op.f("ck_approvals_verdict")),
        sa.CheckConstraint("(verdict IS NULL) = (decided_by IS NULL)", name=op.f("ck_approvals_decided")),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_approvals_two_people")),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.id"], name=op.f("fk_approvals_recall_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_approvals")),
    )


def downgrade() -> None:
    for name in ("approvals", "answers", "sessions", "tokens"):
        op.drop_table(name)
