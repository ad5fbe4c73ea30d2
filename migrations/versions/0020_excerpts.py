"""Messages may keep an excerpt: a title, or the first letters of the text, where LEDGER_KEEP_EXCERPT asks for it.

Revision 0020, after 0019. Both directions are written, for both databases. Older processes write none. Going back
forgets the excerpts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("excerpt", sa.Text()))


def downgrade() -> None:
    op.drop_column("messages", "excerpt")
