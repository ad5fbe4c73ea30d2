"""Who read the audit over HTTP, and up to which of these readings the history seals them.

Revision 0015, after 0014. Both directions are written, for both databases. Older processes know nothing of these
tables, and note no readings. Going back is refused once some are sealed, for the history goes on naming them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_reads",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("recall_id", Id),
        sa.Column("filters", postgresql.JSONB().with_variant(sa.JSON(), "sqlite"), nullable=False),
        sa.Column("rows", Id, nullable=False),
        sa.Column("times", Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_reads")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_read_seals",
        sa.Column("last", Id, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("last", name=op.f("pk_audit_read_seals")),
    )


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM audit_read_seals")):
        raise RuntimeError("the history seals who read it since 0015: restore a backup of before it")
    op.drop_table("audit_read_seals")
    op.drop_table("audit_reads")
