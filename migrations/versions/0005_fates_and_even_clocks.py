"""Items know with which unanswered call they left, skips know robots of no app, and machines agree on an even clock.

Revision 0005, after 0004. Both directions are written, for both databases; older processes leave the new columns empty.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
UserIds = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")
STANDINGS = ("expired", "already_recalled", "in_progress", "shared_skipped")
COLUMNS = "id, recall_id, standing, robot_code, process_query_key, campaign, sent_at, deadline, recipients"


def upgrade() -> None:
    op.add_column("recall_items", sa.Column("asked_with", Id, nullable=True))
    op.create_table(
        "machine_clocks",
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("zero_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("machine", name=op.f("pk_machine_clocks")),
    )
    _allow((*STANDINGS, "unconfigured"))


def downgrade() -> None:
    # A release before this one does not know the word.
    op.execute("DELETE FROM recall_skips WHERE standing = 'unconfigured'")
    _allow(STANDINGS)
    op.drop_table("machine_clocks")
    op.drop_column("recall_items", "asked_with")


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
