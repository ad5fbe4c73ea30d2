"""Where the history begins once it is kept for a time only, and how checkpoints of before prove what has left.

Revision 0016, after 0015. Both directions are written. The guards of the history let go of what has left, and of that
alone. Going back is refused once anything has left: nobody could say any more that it was not cut off.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Document = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")
SQLITE_LETS_GO = """
    CREATE TRIGGER history_no_delete BEFORE DELETE ON history
    WHEN OLD.id > coalesce((SELECT max(last_id) FROM history_starts), 0) BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
"""
SQLITE_KEEPS_ALL = """
    CREATE TRIGGER history_no_delete BEFORE DELETE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
"""
POSTGRESQL_LETS_GO = (
    "DROP TRIGGER history_no_change ON history",
    """
    CREATE OR REPLACE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
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
)
POSTGRESQL_KEEPS_ALL = (
    "DROP TRIGGER history_no_truncate ON history",
    "DROP TRIGGER history_no_change ON history",
    """
    CREATE OR REPLACE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
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


def upgrade() -> None:
    op.create_table(
        "history_starts",
        sa.Column("entries", Id, autoincrement=False, nullable=False),
        sa.Column("last_id", Id, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entries", name=op.f("pk_history_starts")),
    )
    op.add_column("checkpoints", sa.Column("path", Document))
    _guard(SQLITE_LETS_GO, POSTGRESQL_LETS_GO)


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM history_starts")):
        raise RuntimeError("the oldest entries of the history have left since 0016: restore a backup of before it")
    _guard(SQLITE_KEEPS_ALL, POSTGRESQL_KEEPS_ALL)
    op.drop_column("checkpoints", "path")
    op.drop_table("history_starts")


def _guard(on_sqlite: str, on_postgresql: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER history_no_delete")
        op.execute(on_sqlite)
        return
    for statement in on_postgresql:
        op.execute(statement)
