"""How many people had read a message, the last time that somebody asked.

Revision 0022, after 0021. Both directions are written. Older processes neither ask nor count. Going back forgets the
numbers; what the history says of them stays.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "read_counts",
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Integer()),
        sa.PrimaryKeyConstraint("message_id", name="pk_read_counts"),
    )


def downgrade() -> None:
    op.drop_table("read_counts")
