"""Triggers that keep `message_counts`: whoever writes messages, and however, what is counted is changed along with it.

A row is a minute of deadlines of a campaign (an empty one: without a tag) and a robot. On SQLite, where one writes at a
time, that row is changed in place. On PostgreSQL each statement adds a row of its own with what it changed: two
transactions never wait for each other, none is counted before it commits, and workers add such rows up.

Recalled is an outcome that stays, of an item that is never deleted. `changes` counts what became of messages, and only
grows: as long as it is the same, so are the messages.
"""

_KEY = "campaign, robot_code, minute"
_COUNTED = "messages, recipients, recipients_unknown, recalled, changes"


def _sqlite_minute(row: str) -> str:
    # Without its seconds, which would be rounded.
    return f"CAST(strftime('%s', substr({row}deadline, 1, 16)) AS INTEGER) / 60"


def _sqlite_is_recalled(row: str) -> str:
    # Not the index by recall and outcome.
    return f"EXISTS (SELECT 1 FROM recall_items WHERE message_id = {row}id AND +outcome = 'recalled')"  # noqa: S608


def _nobody(row: str) -> str:
    return f"({row}chat = 'one_to_one' AND {row}recipient_count = 0 AND CAST({row}undelivered AS text) = '{{}}')"


def _sqlite_add(recalled: str) -> str:
    return f"""
        INSERT INTO message_counts ({_KEY}, part, {_COUNTED})
        VALUES (coalesce(NEW.campaign, ''), NEW.robot_code, {_sqlite_minute("NEW.")}, 0,
                1, NEW.recipient_count, {_nobody("NEW.")}, {recalled}, 1)
        ON CONFLICT (campaign, robot_code, minute, part) DO UPDATE SET
            messages = messages + 1, recipients = recipients + excluded.recipients,
            recipients_unknown = recipients_unknown + excluded.recipients_unknown,
            recalled = recalled + excluded.recalled, changes = changes + 1;"""  # noqa: S608  (names of our own)


_SQLITE_TAKE = f"""
        UPDATE message_counts SET
            messages = messages - 1, recipients = recipients - OLD.recipient_count,
            recipients_unknown = recipients_unknown - {_nobody("OLD.")},
            recalled = recalled - {_sqlite_is_recalled("OLD.")}, changes = changes + 1
        WHERE campaign = coalesce(OLD.campaign, '') AND robot_code = OLD.robot_code
          AND minute = {_sqlite_minute("OLD.")} AND part = 0;"""  # noqa: S608
_SQLITE_RECALLED = f"""
        UPDATE message_counts SET recalled = recalled + 1
        WHERE ({_KEY}) IN (
            SELECT coalesce(campaign, ''), robot_code, {_sqlite_minute("")} FROM messages WHERE id = NEW.message_id
        ) AND part = 0 AND NOT EXISTS (
            SELECT 1 FROM recall_items
            WHERE message_id = NEW.message_id AND +outcome = 'recalled' AND id <> NEW.id
        );"""  # noqa: S608
_COUNTED_COLUMNS = "campaign, robot_code, deadline, chat, recipients, recipient_count, undelivered"

SQLITE_COUNTS = (
    f"""
    CREATE TRIGGER messages_count_new AFTER INSERT ON messages BEGIN{_sqlite_add("0")}
    END
    """,
    f"""
    CREATE TRIGGER messages_count_gone AFTER DELETE ON messages BEGIN{_SQLITE_TAKE}
    END
    """,
    f"""
    CREATE TRIGGER messages_count_changed AFTER UPDATE OF {_COUNTED_COLUMNS} ON messages
    BEGIN{_SQLITE_TAKE}{_sqlite_add(_sqlite_is_recalled("NEW."))}
    END
    """,
    f"""
    CREATE TRIGGER recall_items_count_new AFTER INSERT ON recall_items
    WHEN NEW.outcome = 'recalled' BEGIN{_SQLITE_RECALLED}
    END
    """,
    f"""
    CREATE TRIGGER recall_items_count_recalled AFTER UPDATE OF outcome ON recall_items
    WHEN NEW.outcome = 'recalled' AND OLD.outcome IS NOT 'recalled' BEGIN{_SQLITE_RECALLED}
    END
    """,
)

_MINUTE = "floor(extract(epoch FROM deadline) / 60)::bigint"
# As no index of outcomes has it (`holding.is_recalled` says why).
_RECALLED = "coalesce(outcome, '') = 'recalled'"
_IS_RECALLED = f"EXISTS (SELECT FROM recall_items WHERE message_id = changed.id AND {_RECALLED})"


def _postgresql_add(table: str, sign: str, recalled: str) -> str:
    return f"""
            INSERT INTO message_counts ({_KEY}, {_COUNTED})
            SELECT coalesce(campaign, ''), robot_code, {_MINUTE}, {sign}count(*), {sign}sum(recipient_count),
                {sign}count(*) FILTER (WHERE {_nobody("")}), {sign}count(*) FILTER (WHERE {recalled}), count(*)
            FROM {table} AS changed GROUP BY 1, 2, 3;"""  # noqa: S608


POSTGRESQL_COUNTS = (
    f"""
    CREATE FUNCTION count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN{_postgresql_add("went", "-", _IS_RECALLED)}
        END IF;
        IF TG_OP = 'INSERT' THEN{_postgresql_add("came", "", "false")}
        ELSIF TG_OP = 'UPDATE' THEN{_postgresql_add("came", "", _IS_RECALLED)}
        END IF;
        RETURN NULL;
    END
    $$
    """,
    # Messages are locked, so that none gets another campaign meanwhile; in one order everywhere.
    f"""
    CREATE FUNCTION count_recalled(items bigint[], ids bigint[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO message_counts ({_KEY}, {_COUNTED})
        SELECT coalesce(campaign, ''), robot_code, {_MINUTE}, 0, 0, 0, count(*), 0
        FROM (SELECT * FROM messages WHERE id = ANY (ids) ORDER BY id FOR SHARE) AS changed
        WHERE NOT EXISTS (
            SELECT FROM recall_items
            WHERE message_id = changed.id AND {_RECALLED} AND recall_items.id <> ALL (items)
        )
        GROUP BY 1, 2, 3
    $$
    """,  # noqa: S608
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
