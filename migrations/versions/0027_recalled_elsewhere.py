"""Messages that other hands have recalled, and skips for that reason.

Revision 0027, after 0026. Both directions are written, for both databases. Older processes do not know what was
recalled elsewhere, and recall it once more. Going back is refused once something was: the history goes on naming it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
UserIds = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")
STANDINGS = ("expired", "already_recalled", "in_progress", "shared_skipped", "unconfigured")
COLUMNS = "id, recall_id, standing, robot_code, process_query_key, campaign, sent_at, deadline, recipients"
RECALLS = sa.text("kind = 'recall'")


def upgrade() -> None:
    op.create_table(
        "recalled_elsewhere",
        sa.Column("message_id", Id, autoincrement=False, nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("process_query_key", sa.Text(), nullable=False),
        sa.Column("found_at", Moment, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_recalled_elsewhere")),
    )
    op.create_index(
        "ix_message_events_recalls",
        "message_events",
        ["process_query_key"],
        postgresql_where=RECALLS,
        sqlite_where=RECALLS,
    )
    _allow((*STANDINGS, "recalled_elsewhere"))


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM history WHERE event = 'recalled_elsewhere'")):
        raise RuntimeError("the history names what was recalled elsewhere since 0027: restore a backup of before it")
    _allow(STANDINGS)
    op.drop_index("ix_message_events_recalls", "message_events")
    op.drop_table("recalled_elsewhere")


def _allow(standings: tuple[str, ...]) -> None:
    condition = f"standing IN ({', '.join(map(repr, standings))})"
    name = op.f("ck_recall_skips_standing")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(name, "recall_skips", type_="check")
        op.create_check_constraint(name, "recall_skips", condition)
        return
    # SQLite cannot change a constraint: the table is made anew.
    op.drop_index("ix_recall_skips_recall", "recall_skips")
    op.rename_table("recall_skips", "recall_skips_before")
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
        sa.CheckConstraint(condition, name=name),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_recall_skips_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_skips")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO recall_skips ({COLUMNS}) SELECT {COLUMNS} FROM recall_skips_before")  # noqa: S608
    op.drop_table("recall_skips_before")
    op.create_index("ix_recall_skips_recall", "recall_skips", ["recall_id", "id"])
