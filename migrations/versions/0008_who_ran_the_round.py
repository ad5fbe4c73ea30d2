"""Calls and items say who ran the round in which they were made and ended, and recalls who moved them last.

Revision 0008, after 0007. Both directions are written. What an earlier release wrote names nobody: there, it was
whoever planned the recall.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = (("recalls", "moved_by"), ("recall_calls", "run_by"), ("recall_items", "ended_by"))


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, sa.Column(column, sa.Text()))


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
