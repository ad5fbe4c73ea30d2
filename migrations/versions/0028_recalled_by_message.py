"""Whether a message is recalled is asked of its own items, and never of an index of outcomes.

Revision 0028, after 0027. Both directions are written; on SQLite nothing changes. Of a recall that has just begun,
statistics say that none of its items has ended: PostgreSQL took an index of those that have for empty, and read all of
it for each message that was answered.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = "campaign, robot_code, minute"
COUNTED = "messages, recipients, recipients_unknown, recalled, changes"
MINUTE = "floor(extract(epoch FROM deadline) / 60)::bigint"
NOBODY = "(chat = 'one_to_one' AND recipient_count = 0 AND CAST(undelivered AS text) = '{}')"
BEFORE, NOW = "outcome = 'recalled'", "coalesce(outcome, '') = 'recalled'"


def upgrade() -> None:
    _replace(NOW)


def downgrade() -> None:
    _replace(BEFORE)


def _replace(is_recalled: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    exists = f"EXISTS (SELECT FROM recall_items WHERE message_id = changed.id AND {is_recalled})"

    def add(table: str, sign: str, recalled: str) -> str:
        return f"""
            INSERT INTO message_counts ({KEY}, {COUNTED})
            SELECT coalesce(campaign, ''), robot_code, {MINUTE}, {sign}count(*), {sign}sum(recipient_count),
                {sign}count(*) FILTER (WHERE {NOBODY}), {sign}count(*) FILTER (WHERE {recalled}), count(*)
            FROM {table} AS changed GROUP BY 1, 2, 3;"""  # noqa: S608

    op.execute(
        f"""
    CREATE OR REPLACE FUNCTION count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN{add("went", "-", exists)}
        END IF;
        IF TG_OP = 'INSERT' THEN{add("came", "", "false")}
        ELSIF TG_OP = 'UPDATE' THEN{add("came", "", exists)}
        END IF;
        RETURN NULL;
    END
    $$
    """
    )
    op.execute(
        f"""
    CREATE OR REPLACE FUNCTION count_recalled(items bigint[], ids bigint[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO message_counts ({KEY}, {COUNTED})
        SELECT coalesce(campaign, ''), robot_code, {MINUTE}, 0, 0, 0, count(*), 0
        FROM (SELECT * FROM messages WHERE id = ANY (ids) ORDER BY id FOR SHARE) AS changed
        WHERE NOT EXISTS (
            SELECT FROM recall_items
            WHERE message_id = changed.id AND {is_recalled} AND recall_items.id <> ALL (items)
        )
        GROUP BY 1, 2, 3
    $$
    """  # noqa: S608
    )
