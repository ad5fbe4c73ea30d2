"""Campaigns of which nothing more is to be sent.

Revision 0019, after 0018. Both directions are written, for both databases. Older processes know nothing of this table,
and let every send pass. Going back lets all campaigns be sent again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sending_stops",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recall_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_sending_stops")),
    )


def downgrade() -> None:
    op.drop_table("sending_stops")
