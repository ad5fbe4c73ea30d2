"""When messages shall vanish by themselves.

Revision 0021, after 0020. Both directions are written. Older processes go on writing; what they record does not vanish.
Going back is refused while any message still shall: nobody would recall it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("expires_at", sa.DateTime(timezone=True)))
    shall = sa.text("expires_at IS NOT NULL")
    op.create_index("ix_messages_expires", "messages", ["expires_at"], postgresql_where=shall, sqlite_where=shall)


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM messages WHERE expires_at IS NOT NULL")):
        raise RuntimeError("messages are still to vanish by themselves: let a worker recall them, then go back")
    op.drop_index("ix_messages_expires", "messages")
    op.drop_column("messages", "expires_at")
