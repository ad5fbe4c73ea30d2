"""Events of messages that DingTalk pushes, how many pushes the month has had, and who holds a connection for them.

Revision 0024, after 0023. Both directions are written, for both databases. Older processes listen to none. Going back
forgets the events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "message_events",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("process_query_key", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text()),
        sa.Column("user_id", sa.Text()),
        sa.Column("happened_at", Moment),
        sa.Column("received_at", Moment, nullable=False),
        sa.CheckConstraint("kind IN ('read', 'recall')", name=op.f("ck_message_events_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_message_events_event_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_events_key", "message_events", ["process_query_key"])
    op.create_index("ix_message_events_received", "message_events", ["received_at"])
    op.create_table(
        "event_usage",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("pushes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app", "month", "source", name=op.f("pk_event_usage")),
    )
    op.create_table(
        "stream_connections",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("since", Moment, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("seen_at", Moment, nullable=False),
        sa.CheckConstraint(
            "standing IN ('connected', 'away', 'refused', 'used_up')", name=op.f("ck_stream_connections_standing")
        ),
        sa.PrimaryKeyConstraint("app", "owner", name=op.f("pk_stream_connections")),
    )


def downgrade() -> None:
    op.drop_table("stream_connections")
    op.drop_table("event_usage")
    op.drop_table("message_events")
