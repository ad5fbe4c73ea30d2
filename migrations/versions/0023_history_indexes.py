"""Indexes of the history: what somebody did, and what was not recalled.

Revision 0023, after 0022. Both directions are written. Older processes go on writing while it runs, once it has the
tables; it reads each item once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_recall_items_ended_by": (["ended_by", "finished_at", "id"], "outcome IS NOT NULL"),
    "ix_recall_items_failed": (["outcome", "finished_at", "id"], "outcome <> 'recalled'"),
}


def upgrade() -> None:
    for name, (columns, where) in INDEXES.items():
        condition = sa.text(where)
        op.create_index(name, "recall_items", columns, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "recall_items")
