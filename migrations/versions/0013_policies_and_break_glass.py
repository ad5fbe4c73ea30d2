"""Policies that decide for everybody, and recalls that were started without the second person that they need.

Revision 0013, after 0012. Both directions are written. Older processes know neither: stop them where a policy is to
hold. Going back is refused once there is any of them, for the history goes on naming them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "break_glass",
        sa.Column("recall_id", Id, autoincrement=False, nullable=False),
        sa.Column("broken_by", sa.Text(), nullable=False),
        sa.Column("broken_at", Moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reviewed_by", sa.Text()),
        sa.Column("reviewed_at", Moment),
        sa.Column("review", sa.Text()),
        sa.CheckConstraint("(reviewed_by IS NULL) = (review IS NULL)", name=op.f("ck_break_glass_reviewed")),
        sa.CheckConstraint("reviewed_by <> broken_by", name=op.f("ck_break_glass_two_people")),
        sa.ForeignKeyConstraint(
            ["recall_id"], ["recalls.id"], name=op.f("fk_break_glass_recall_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_break_glass")),
    )
    is_open = sa.text("reviewed_by IS NULL")
    op.create_index("ix_break_glass_open", "break_glass", ["recall_id"], postgresql_where=is_open, sqlite_where=is_open)
    op.create_table(
        "policies",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer()),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    for table in ("break_glass", "policies"):
        if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {table}")):  # noqa: S608
            raise RuntimeError(f"the history names what stands in {table} since 0013: restore a backup of before it")
    op.drop_table("policies")
    op.drop_index("ix_break_glass_open", "break_glass")
    op.drop_table("break_glass")
