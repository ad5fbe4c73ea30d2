"""Users can be added to a message that comes again: SQLite's index of recipients follows.

Revision 0006, after 0005. Both directions are written; PostgreSQL has an index that follows by itself.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

REINDEX = """
    CREATE TRIGGER messages_reindex_recipients AFTER UPDATE OF recipients ON messages BEGIN
        DELETE FROM message_recipients
        WHERE sent_hour = CAST(strftime('%s', OLD.sent_at) AS INTEGER) / 3600 AND message_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().exec_driver_sql(REINDEX)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER messages_reindex_recipients")
