"""Triggers count messages as they are written, by campaign, robot and minute of their deadline; people are kept too.

Revision 0012, after 0011. Both directions are written. Older processes go on: the triggers count what they write.
Messages that are there are counted once, for as long as which (some seconds for millions) nothing is recorded.
"""

# ruff: noqa: E501  (statements as they were made)
import sqlalchemy as sa
from alembic import op

from ledger.store.types import Id, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = "campaign, robot_code, minute"
COUNTED = "messages, recipients, recipients_unknown, recalled, changes"
SQLITE_MINUTE = "CAST(strftime('%s', substr(deadline, 1, 16)) AS INTEGER) / 60"
POSTGRESQL_MINUTE = "floor(extract(epoch FROM deadline) / 60)::bigint"
FUNCTIONS = ("count_messages()", "count_ended_items()", "count_new_item()", "count_recalled(bigint[], bigint[])")
SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER messages_count_new AFTER INSERT ON messages BEGIN
        INSERT INTO message_counts (campaign, robot_code, minute, part, messages, recipients, recipients_unknown, recalled, changes)
        VALUES (coalesce(NEW.campaign, ''), NEW.robot_code, CAST(strftime('%s', substr(NEW.deadline, 1, 16)) AS INTEGER) / 60, 0,
                1, NEW.recipient_count, (NEW.chat = 'one_to_one' AND NEW.recipient_count = 0 AND CAST(NEW.undelivered AS text) = '{}'), 0, 1)
        ON CONFLICT (campaign, robot_code, minute, part) DO UPDATE SET
            messages = messages + 1, recipients = recipients + excluded.recipients,
            recipients_unknown = recipients_unknown + excluded.recipients_unknown,
            recalled = recalled + excluded.recalled, changes = changes + 1;
    END
    """,
    """
    CREATE TRIGGER messages_count_gone AFTER DELETE ON messages BEGIN
        UPDATE message_counts SET
            messages = messages - 1, recipients = recipients - OLD.recipient_count,
            recipients_unknown = recipients_unknown - (OLD.chat = 'one_to_one' AND OLD.recipient_count = 0 AND CAST(OLD.undelivered AS text) = '{}'),
            recalled = recalled - EXISTS (SELECT 1 FROM recall_items WHERE message_id = OLD.id AND +outcome = 'recalled'), changes = changes + 1
        WHERE campaign = coalesce(OLD.campaign, '') AND robot_code = OLD.robot_code
          AND minute = CAST(strftime('%s', substr(OLD.deadline, 1, 16)) AS INTEGER) / 60 AND part = 0;
    END
    """,
    """
    CREATE TRIGGER messages_count_changed AFTER UPDATE OF campaign, robot_code, deadline, chat, recipients, recipient_count, undelivered ON messages
    BEGIN
        UPDATE message_counts SET
            messages = messages - 1, recipients = recipients - OLD.recipient_count,
            recipients_unknown = recipients_unknown - (OLD.chat = 'one_to_one' AND OLD.recipient_count = 0 AND CAST(OLD.undelivered AS text) = '{}'),
            recalled = recalled - EXISTS (SELECT 1 FROM recall_items WHERE message_id = OLD.id AND +outcome = 'recalled'), changes = changes + 1
        WHERE campaign = coalesce(OLD.campaign, '') AND robot_code = OLD.robot_code
          AND minute = CAST(strftime('%s', substr(OLD.deadline, 1, 16)) AS INTEGER) / 60 AND part = 0;
        INSERT INTO message_counts (campaign, robot_code, minute, part, messages, recipients, recipients_unknown, recalled, changes)
        VALUES (coalesce(NEW.campaign, ''), NEW.robot_code, CAST(strftime('%s', substr(NEW.deadline, 1, 16)) AS INTEGER) / 60, 0,
                1, NEW.recipient_count, (NEW.chat = 'one_to_one' AND NEW.recipient_count = 0 AND CAST(NEW.undelivered AS text) = '{}'), EXISTS (SELECT 1 FROM recall_items WHERE message_id = NEW.id AND +outcome = 'recalled'), 1)
        ON CONFLICT (campaign, robot_code, minute, part) DO UPDATE SET
            messages = messages + 1, recipients = recipients + excluded.recipients,
            recipients_unknown = recipients_unknown + excluded.recipients_unknown,
            recalled = recalled + excluded.recalled, changes = changes + 1;
    END
    """,
    """
    CREATE TRIGGER recall_items_count_new AFTER INSERT ON recall_items
    WHEN NEW.outcome = 'recalled' BEGIN
        UPDATE message_counts SET recalled = recalled + 1
        WHERE (campaign, robot_code, minute) IN (
            SELECT coalesce(campaign, ''), robot_code, CAST(strftime('%s', substr(deadline, 1, 16)) AS INTEGER) / 60 FROM messages WHERE id = NEW.message_id
        ) AND part = 0 AND NOT EXISTS (
            SELECT 1 FROM recall_items
            WHERE message_id = NEW.message_id AND +outcome = 'recalled' AND id <> NEW.id
        );
    END
    """,
    """
    CREATE TRIGGER recall_items_count_recalled AFTER UPDATE OF outcome ON recall_items
    WHEN NEW.outcome = 'recalled' AND OLD.outcome IS NOT 'recalled' BEGIN
        UPDATE message_counts SET recalled = recalled + 1
        WHERE (campaign, robot_code, minute) IN (
            SELECT coalesce(campaign, ''), robot_code, CAST(strftime('%s', substr(deadline, 1, 16)) AS INTEGER) / 60 FROM messages WHERE id = NEW.message_id
        ) AND part = 0 AND NOT EXISTS (
            SELECT 1 FROM recall_items
            WHERE message_id = NEW.message_id AND +outcome = 'recalled' AND id <> NEW.id
        );
    END
    """,
)
POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            INSERT INTO message_counts (campaign, robot_code, minute, messages, recipients, recipients_unknown, recalled, changes)
            SELECT coalesce(campaign, ''), robot_code, floor(extract(epoch FROM deadline) / 60)::bigint, -count(*), -sum(recipient_count),
                -count(*) FILTER (WHERE (chat = 'one_to_one' AND recipient_count = 0 AND CAST(undelivered AS text) = '{}')), -count(*) FILTER (WHERE EXISTS (SELECT FROM recall_items WHERE message_id = changed.id AND outcome = 'recalled')), count(*)
            FROM went AS changed GROUP BY 1, 2, 3;
        END IF;
        IF TG_OP = 'INSERT' THEN
            INSERT INTO message_counts (campaign, robot_code, minute, messages, recipients, recipients_unknown, recalled, changes)
            SELECT coalesce(campaign, ''), robot_code, floor(extract(epoch FROM deadline) / 60)::bigint, count(*), sum(recipient_count),
                count(*) FILTER (WHERE (chat = 'one_to_one' AND recipient_count = 0 AND CAST(undelivered AS text) = '{}')), count(*) FILTER (WHERE false), count(*)
            FROM came AS changed GROUP BY 1, 2, 3;
        ELSIF TG_OP = 'UPDATE' THEN
            INSERT INTO message_counts (campaign, robot_code, minute, messages, recipients, recipients_unknown, recalled, changes)
            SELECT coalesce(campaign, ''), robot_code, floor(extract(epoch FROM deadline) / 60)::bigint, count(*), sum(recipient_count),
                count(*) FILTER (WHERE (chat = 'one_to_one' AND recipient_count = 0 AND CAST(undelivered AS text) = '{}')), count(*) FILTER (WHERE EXISTS (SELECT FROM recall_items WHERE message_id = changed.id AND outcome = 'recalled')), count(*)
            FROM came AS changed GROUP BY 1, 2, 3;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION count_recalled(items bigint[], ids bigint[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO message_counts (campaign, robot_code, minute, messages, recipients, recipients_unknown, recalled, changes)
        SELECT coalesce(campaign, ''), robot_code, floor(extract(epoch FROM deadline) / 60)::bigint, 0, 0, 0, count(*), 0
        FROM (SELECT * FROM messages WHERE id = ANY (ids) ORDER BY id FOR SHARE) AS changed
        WHERE NOT EXISTS (
            SELECT FROM recall_items
            WHERE message_id = changed.id AND outcome = 'recalled' AND recall_items.id <> ALL (items)
        )
        GROUP BY 1, 2, 3
    $$
    """,
    """
    CREATE FUNCTION count_ended_items() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        items bigint[];
        ids bigint[];
    BEGIN
        SELECT array_agg(came.id), array_agg(DISTINCT came.message_id) INTO items, ids
        FROM came JOIN went ON went.id = came.id
        WHERE came.outcome = 'recalled' AND went.outcome IS DISTINCT FROM 'recalled';
        IF items IS NOT NULL THEN
            PERFORM count_recalled(items, ids);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION count_new_item() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM count_recalled(ARRAY[NEW.id], ARRAY[NEW.message_id]);
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER messages_count_new AFTER INSERT ON messages
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION count_messages()
    """,
    """
    CREATE TRIGGER messages_count_gone AFTER DELETE ON messages
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION count_messages()
    """,
    """
    CREATE TRIGGER messages_count_changed AFTER UPDATE ON messages
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION count_messages()
    """,
    """
    CREATE TRIGGER recall_items_count_new AFTER INSERT ON recall_items
    FOR EACH ROW WHEN (NEW.outcome = 'recalled') EXECUTE FUNCTION count_new_item()
    """,
    """
    CREATE TRIGGER recall_items_count_recalled AFTER UPDATE ON recall_items
    REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION count_ended_items()
    """,
)


def upgrade() -> None:
    op.create_table(
        "message_counts",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("minute", Id, nullable=False),
        sa.Column("part", Id, sa.Identity(), nullable=False),
        *(sa.Column(name, Id, nullable=False) for name in COUNTED.split(", ")),
        sa.PrimaryKeyConstraint("campaign", "robot_code", "minute", "part", name=op.f("pk_message_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_people",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("robots", sa.Text(), nullable=False),
        sa.Column("changes", Id, nullable=False),
        sa.Column("people", Id, nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "robots", name=op.f("pk_campaign_people")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # First, so that on PostgreSQL nobody writes from here on whom they do not count.
    for statement in SQLITE_TRIGGERS if is_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)
    minute, part = (SQLITE_MINUTE, "0") if is_sqlite else (POSTGRESQL_MINUTE, "1")
    override = "" if is_sqlite else "OVERRIDING SYSTEM VALUE"
    op.execute(
        f"""
        INSERT INTO message_counts ({KEY}, part, {COUNTED}) {override}
        SELECT coalesce(campaign, ''), robot_code, {minute}, {part}, count(*), sum(recipient_count),
            sum(CASE WHEN chat = 'one_to_one' AND recipient_count = 0 AND CAST(undelivered AS text) = '{{}}'
                THEN 1 ELSE 0 END),
            sum(CASE WHEN gone.message_id IS NULL THEN 0 ELSE 1 END), count(*)
        FROM messages LEFT JOIN (SELECT DISTINCT message_id FROM recall_items WHERE outcome = 'recalled') AS gone
            ON gone.message_id = messages.id
        GROUP BY 1, 2, 3
        """  # noqa: S608  (names of our own)
    )


def downgrade() -> None:
    triggers = {"messages": ("new", "gone", "changed"), "recall_items": ("new", "recalled")}
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, names in triggers.items():
        for name in names:
            op.execute(f"DROP TRIGGER {table}_count_{name}" + ("" if is_sqlite else f" ON {table}"))
    for function in () if is_sqlite else FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("campaign_people")
    op.drop_table("message_counts")
