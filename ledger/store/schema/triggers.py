"""Triggers: the index of recipients on SQLite, and a history that nobody changes."""

from ledger.store.schema.count_triggers import POSTGRESQL_COUNTS, SQLITE_COUNTS

SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER messages_index_recipients AFTER INSERT ON messages BEGIN
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER messages_reindex_recipients AFTER UPDATE OF recipients ON messages BEGIN
        DELETE FROM message_recipients
        WHERE sent_hour = CAST(strftime('%s', OLD.sent_at) AS INTEGER) / 3600 AND message_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
        INSERT INTO message_recipients (sent_hour, user_id, message_id)
        SELECT CAST(strftime('%s', NEW.sent_at) AS INTEGER) / 3600, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_index_recipients AFTER INSERT ON recall_items BEGIN
        INSERT INTO recall_item_recipients (item_block, user_id, item_id)
        SELECT NEW.id / 4096, value, NEW.id FROM json_each(NEW.recipients);
    END
    """,
    """
    CREATE TRIGGER recall_items_forget_recipients AFTER DELETE ON recall_items BEGIN
        DELETE FROM recall_item_recipients
        WHERE item_block = OLD.id / 4096 AND item_id = OLD.id
          AND user_id IN (SELECT value FROM json_each(OLD.recipients));
    END
    """,
    """
    CREATE TRIGGER history_no_update BEFORE UPDATE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
    """
    CREATE TRIGGER history_no_delete BEFORE DELETE ON history
    WHEN OLD.id > coalesce((SELECT max(last_id) FROM history_starts), 0) BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """,
    *SQLITE_COUNTS,
)
POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.id <= (SELECT max(last_id) FROM history_starts) THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION 'history is append-only';
    END
    $$
    """,
    """
    CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE ON history
    FOR EACH ROW EXECUTE FUNCTION history_is_append_only()
    """,
    """
    CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """,
    *POSTGRESQL_COUNTS,
)
