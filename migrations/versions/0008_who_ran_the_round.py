"""Calls and items say who ran the round in which they were made and ended, and recalls who moved them last.

Revision 0008, after 0007. Both directions are written. What an earlier release wrote names nobody: there, it was
whoever planned the recall. Going back is refused once anybody is named, for the history goes on naming them.
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
    for table, column in COLUMNS:
        if op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")):  # noqa: S608
            raise RuntimeError("the history names who ran each round since 0008: restore a backup of before it instead")
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
