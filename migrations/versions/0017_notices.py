"""Notices on their way, how the places stand that they go to, what was told, and which campaigns somebody watches.

Revision 0017, after 0016. Both directions are written, for both databases. Older processes know nothing of these
tables, and tell nobody. Going back forgets what was on its way.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("facts", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_next", "notices", ["next_at"])
    op.create_table(
        "notice_places",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reached_at", Moment),
        sa.Column("failing_since", Moment),
        sa.Column("error", sa.Text()),
        sa.Column("given_up", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notice_places")),
    )
    op.create_table(
        "notice_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notice_marks")),
    )
    op.create_table(
        "watched_campaigns",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("before_seconds", sa.Integer(), nullable=False),
        sa.Column("watched_by", sa.Text(), nullable=False),
        sa.Column("watched_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_watched_campaigns")),
    )


def downgrade() -> None:
    for table in ("watched_campaigns", "notice_marks", "notice_places", "notices"):
        op.drop_table(table)
