"""Recalls that were confirmed in advance, each with its moment.

Revision 0018, after 0017. Both directions are written. Older processes do not know of these plans, and their purge
gives up what is older than plans are valid: stop them before anything is set. Going back is refused once something was,
for the history goes on naming it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("recall_id", Id, autoincrement=False, nullable=False),
        sa.Column("run_at", Moment, nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", Moment, nullable=False),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.id"], name=op.f("fk_schedules_recall_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("recall_id", name=op.f("pk_schedules")),
    )
    op.create_index("ix_schedules_run_at", "schedules", ["run_at"])


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM schedules")):
        raise RuntimeError("the history names what was set in advance since 0018: restore a backup of before it")
    op.drop_table("schedules")
