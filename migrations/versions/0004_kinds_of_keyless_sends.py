"""Sends without a key say why they have none: lost, or of a kind that never gets one.

Revision 0004, after 0003. Both directions are written, for both databases; older processes write rows of the default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keyless_sends", sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("'no_key'")))


def downgrade() -> None:
    # A release before this one would take webhooks for lost keys.
    op.execute("DELETE FROM keyless_sends WHERE kind <> 'no_key'")
    op.drop_column("keyless_sends", "kind")
