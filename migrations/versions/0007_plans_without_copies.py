"""A plan keeps which messages it saw, and copies them once it is run; SQLite finds items by recipient block by block.

Revision 0007, after 0006. Both directions are written. Recording goes on meanwhile; an older process that makes calls
has to be stopped first, for it would take a recall for finished of which only a part is copied. Going back is refused
while anything that a plan saw is not copied.
"""

import sqlalchemy as sa
from alembic import op

from ledger.store.types import Document, Id

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OLD_TRIGGERS = (
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
)
NEW_TRIGGERS = (
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
)


def upgrade() -> None:
    for name in ("unfrozen_items", "unfrozen_skips"):
        op.add_column("recalls", sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False))
    packed = (
        *("taken", "lanes", "which_api", "sizes", "which_campaign"),
        *("skipped", "standings", "skipped_campaign"),
    )
    op.create_table(
        "plan_messages",
        sa.Column("recall_id", Id, autoincrement=False, nullable=False),
        sa.Column("apis", Document, nullable=False),
        sa.Column("campaigns", Document, nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in packed),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_plan_messages_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_plan_messages")),
    )
    _index_items_by("item_block", "items.id / 4096", NEW_TRIGGERS)


def downgrade() -> None:
    left = "SELECT count(*) FROM recalls WHERE unfrozen_items + unfrozen_skips > 0"
    if op.get_bind().scalar(sa.text(left)):
        raise RuntimeError(
            "some plans are not copied: run or cancel them, or wait until they are too old, and then `ledger purge`"
        )
    op.drop_table("plan_messages")
    for name in ("unfrozen_skips", "unfrozen_items"):
        op.drop_column("recalls", name)
    _index_items_by("recall_id", "items.recall_id", OLD_TRIGGERS)


def _index_items_by(first: str, value: str, triggers: tuple[str, ...]) -> None:
    """Build the index of SQLite anew, with another first column; its triggers go with it."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    for name in ("recall_items_index_recipients", "recall_items_forget_recipients"):
        op.execute(f"DROP TRIGGER {name}")
    op.drop_table("recall_item_recipients")
    op.create_table(
        "recall_item_recipients",
        sa.Column(first, sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(first, "user_id", "item_id", name=op.f("pk_recall_item_recipients")),
        sqlite_with_rowid=False,
    )
    connection.exec_driver_sql(
        f"INSERT OR IGNORE INTO recall_item_recipients ({first}, user_id, item_id) "  # noqa: S608
        f"SELECT {value}, users.value, items.id FROM recall_items AS items, json_each(items.recipients) AS users"
    )
    for statement in triggers:
        connection.exec_driver_sql(statement)
