"""What the latest check of the history found of recalls, for pages to mark.

Revision 0014, after 0013. Both directions are written, for both databases. Older processes know nothing of these
tables, and go on beside them. Going back loses no fact: the next check finds the same.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "verifications",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", Id, nullable=False),
        sa.Column("listed", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "disputes",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("field", sa.Text()),
        sa.Column("history_says", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_disputes_recall", "disputes", ["recall_id"])


def downgrade() -> None:
    op.drop_index("ix_disputes_recall", "disputes")
    op.drop_table("disputes")
    op.drop_table("verifications")
