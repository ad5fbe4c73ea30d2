"""Traces of sends that may have reached people although their key never came back.

Revision 0002, after 0001. Both directions are written, for both databases; older processes do not know the table.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
UserIds = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "keyless_sends",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("open_conversation_id", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("recipients", UserIds, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("recorded_at", Moment, nullable=False),
        sa.CheckConstraint("chat IN ('one_to_one', 'group', 'private')", name=op.f("ck_keyless_sends_chat")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keyless_sends")),
        sa.UniqueConstraint("trace", name=op.f("uq_keyless_sends_trace")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_keyless_sends_sent_at", "keyless_sends", ["sent_at"])


def downgrade() -> None:
    op.drop_table("keyless_sends")
