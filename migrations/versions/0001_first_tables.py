"""The first tables: messages, recalls with their items, skips and calls, the shared pace, usage and history.

Revision 0001, the first. Both directions are written, for both databases.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
Document = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")
UserIds = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")

SQLITE_TRIGGERS: tuple[str, ...] = (
    """
    CREATE TRIGGER messages_index_recipients AFTER INSERT ON messages BEGIN
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_index_recipients AFTER INSERT ON recall_items BEGIN
        INSERT INTO recall_item_recipients (recall_id, user_id, item_id)
        SELECT NEW.recall_id, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_forget_recipients AFTER DELETE ON recall_items BEGIN
        DELETE FROM recall_item_recipients
        WHERE recall_id = OLD.recall_id AND item_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
    END
    """,
    """
    CREATE TRIGGER history_no_update BEFORE UPDATE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
    """
    CREATE TRIGGER history_no_delete BEFORE DELETE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
)
POSTGRESQL_TRIGGERS: tuple[str, ...] = (
    """
    CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'history is append-only';
    END
    $$
    """,
    """
    CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "history",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recall_id", Id, nullable=True),
        sa.Column("detail", Document, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_recall", "history", ["recall_id", "id"])
    op.create_table(
        "messages",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("process_query_key", sa.Text(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("open_conversation_id", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("deadline", Moment, nullable=False),
        sa.Column("recipients", UserIds, nullable=False),
        sa.Column("recipient_count", sa.Integer(), nullable=False),
        sa.Column("undelivered", Document, nullable=False),
        sa.Column("recorded_at", Moment, nullable=False),
        sa.CheckConstraint(
            "(chat = 'one_to_one') = (open_conversation_id IS NULL)", name=op.f("ck_messages_conversation")
        ),
        sa.CheckConstraint("chat IN ('one_to_one', 'group', 'private')", name=op.f("ck_messages_chat")),
        sa.CheckConstraint("length(process_query_key) BETWEEN 1 AND 1024", name=op.f("ck_messages_key_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("process_query_key", "robot_code", name=op.f("uq_messages_process_query_key_robot_code")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_campaign", "messages", ["campaign", "deadline"])
    op.create_index("ix_messages_deadline", "messages", ["deadline"])
    op.create_table(
        "paces",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("next_at", Moment, nullable=True),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("blocked_until", Moment, nullable=True),
        sa.PrimaryKeyConstraint("app", "api", name=op.f("pk_paces")),
    )
    op.create_table(
        "recalls",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("selection", Document, nullable=False),
        sa.Column("include_shared", sa.Boolean(), nullable=False),
        sa.Column("plan", Document, nullable=False),
        sa.Column("error", Document, nullable=True),
        sa.Column("next_lane", sa.Integer(), nullable=False),
        sa.Column("planned_at", Moment, nullable=False),
        sa.Column("activated_at", Moment, nullable=True),
        sa.Column("started_at", Moment, nullable=True),
        sa.Column("finished_at", Moment, nullable=True),
        sa.Column("sticky_until", Moment, nullable=True),
        sa.Column("follows", Id, nullable=True),
        sa.CheckConstraint(
            "status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name=op.f("ck_recalls_status")
        ),
        sa.CheckConstraint("length(actor) > 0", name=op.f("ck_recalls_actor")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_recalls_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recalls_status", "recalls", ["status"])
    op.create_index("ix_recalls_sticky", "recalls", ["sticky_until"])
    op.create_table(
        "chores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", Moment, nullable=False),
        sa.Column("done_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chores")),
    )
    op.create_table(
        "usage",
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app", "month", name=op.f("pk_usage")),
    )
    op.create_table(
        "recall_calls",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", Id, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("key_count", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("slot_at", Moment, nullable=False),
        sa.Column("lease_until", Moment, nullable=False),
        sa.Column("finished_at", Moment, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.CheckConstraint("(finished_at IS NULL) = (verdict IS NULL)", name=op.f("ck_recall_calls_finished")),
        sa.CheckConstraint("key_count BETWEEN 1 AND 20", name=op.f("ck_recall_calls_key_count")),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_calls_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_calls")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recall_calls_in_flight", "recall_calls", ["lease_until"], **_where("finished_at IS NULL"))
    op.create_index("ix_recall_calls_recall", "recall_calls", ["recall_id", "id"])
    op.create_table(
        "recall_items",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", Id, nullable=False),
        sa.Column("message_id", Id, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("chat", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("open_conversation_id", sa.Text(), nullable=True),
        sa.Column("process_query_key", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("deadline", Moment, nullable=False),
        sa.Column("recipients", UserIds, nullable=False),
        sa.Column("undelivered", Document, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("in_doubt", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("not_before", Moment, nullable=True),
        sa.Column("call_id", Id, nullable=True),
        sa.Column("finished_at", Moment, nullable=True),
        sa.CheckConstraint(
            "outcome IN ('recalled', 'refused', 'partial', 'expired', 'unknown', 'cancelled')",
            name=op.f("ck_recall_items_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_recall_items_finished")),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_items_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_items")),
        sa.UniqueConstraint("recall_id", "message_id", name=op.f("uq_recall_items_recall_id_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recall_items_call", "recall_items", ["call_id"])
    op.create_index(
        "ix_recall_items_campaign", "recall_items", ["campaign", "finished_at"], **_where("outcome IS NOT NULL")
    )
    op.create_index("ix_recall_items_finished", "recall_items", ["finished_at", "id"], **_where("outcome IS NOT NULL"))
    op.create_index("ix_recall_items_key", "recall_items", ["process_query_key"], **_where("outcome IS NOT NULL"))
    op.create_index(
        "ix_recall_items_lane",
        "recall_items",
        ["recall_id", "lane", "deadline", "id"],
        **_where("outcome IS NULL AND call_id IS NULL"),
    )
    op.create_index("ix_recall_items_message", "recall_items", ["message_id"])
    op.create_index(
        "ix_recall_items_next",
        "recall_items",
        ["recall_id", "app", "chat", "deadline", "id"],
        **_where("outcome IS NULL AND call_id IS NULL"),
    )
    op.create_index("ix_recall_items_outcome", "recall_items", ["recall_id", "outcome"])
    op.create_table(
        "recall_skips",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", Id, nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("process_query_key", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment, nullable=False),
        sa.Column("deadline", Moment, nullable=False),
        sa.Column("recipients", UserIds, nullable=False),
        sa.CheckConstraint(
            "standing IN ('expired', 'already_recalled', 'in_progress', 'shared_skipped')",
            name=op.f("ck_recall_skips_standing"),
        ),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_skips_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_skips")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recall_skips_recall", "recall_skips", ["recall_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for name, first in (("message_recipients", "sent_hour"), ("recall_item_recipients", "recall_id")):
            op.create_table(
                name,
                sa.Column(first, sa.Integer(), primary_key=True),
                sa.Column("user_id", sa.Text(), primary_key=True),
                sa.Column("message_id" if first == "sent_hour" else "item_id", sa.Integer(), primary_key=True),
                sqlite_with_rowid=False,
            )
        triggers = SQLITE_TRIGGERS
    else:
        op.create_index("ix_messages_recipients", "messages", ["recipients"], postgresql_using="gin")
        op.create_index(
            "ix_recall_items_recipients",
            "recall_items",
            ["recipients"],
            postgresql_using="gin",
            postgresql_where=sa.text("outcome IS NOT NULL"),
        )
        triggers = POSTGRESQL_TRIGGERS
    for statement in triggers:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.drop_table("message_recipients")
        op.drop_table("recall_item_recipients")
    for name in (
        "recall_items",
        "recall_skips",
        "recall_calls",
        "recalls",
        "messages",
        "paces",
        "usage",
        "chores",
        "history",
    ):
        op.drop_table(name)
    if not is_sqlite:
        op.execute("DROP FUNCTION history_is_append_only()")
