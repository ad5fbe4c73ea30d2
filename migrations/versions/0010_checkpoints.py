"""Checkpoints of the history: roots of its closed segments, what was signed, and where that has arrived.

Revision 0010, after 0009. Both directions are written, for both databases. Older processes know nothing of these
tables, and go on beside them. What proves something is kept elsewhere: going back loses no fact of history.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
Document = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "history_segments",
        sa.Column("number", Id, autoincrement=False, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_history_segments")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("entries", Id, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "anchors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("checkpoint_id", Id),
        sa.Column("arrived_at", Moment),
        sa.Column("tried_at", Moment, nullable=False),
        sa.Column("failing_since", Moment),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_anchors")),
    )


def downgrade() -> None:
    op.drop_table("anchors")
    op.drop_table("checkpoints")
    op.drop_table("history_segments")
