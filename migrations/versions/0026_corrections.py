"""Messages to the people from whom a recall took another one back.

Revision 0026, after 0025. Both directions are written. Older processes go on; they neither see nor send corrections.
Going back is refused once the history tells of any.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
USER_IDS = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")
DOCUMENT = postgresql.JSONB().with_variant(sa.JSON(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", ID, sa.Identity(), primary_key=True),
        sa.Column("recall_id", ID, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("status", "reason", "actor", "campaign", "msg_key", "msg_param")
        ),
        sa.Column("plan", DOCUMENT, nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("error", DOCUMENT),
        sa.Column("planned_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("moved_by", sa.Text()),
        sa.Column("requested_by", sa.Text()),
        sa.Column("requested_at", TIME),
        sa.Column("valid_until", TIME),
        sa.Column("verdict", sa.Text()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", TIME),
        sa.Column("refusal", sa.Text()),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.id"], ondelete="CASCADE", name="fk_corrections_recall_id"),
        sa.CheckConstraint(
            "status IN ('planned', 'running', 'paused', 'finished', 'cancelled')", name=op.f("ck_corrections_status")
        ),
        sa.CheckConstraint("verdict IN ('approved', 'refused')", name=op.f("ck_corrections_verdict")),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_corrections_two_people")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_corrections_recall", "corrections", ["recall_id", "id"])
    op.create_index("ix_corrections_status", "corrections", ["status"])
    op.create_table(
        "correction_sends",
        sa.Column("id", ID, sa.Identity(), primary_key=True),
        sa.Column("correction_id", ID, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("robot_code", sa.Text(), nullable=False),
        sa.Column("recipients", USER_IDS, nullable=False),
        sa.Column("undelivered", DOCUMENT, nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("process_query_key", "outcome", "code", "reason")),
        sa.Column("http_status", sa.Integer()),
        sa.Column("request_id", sa.Text()),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("never_left", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", TIME),
        sa.Column("owner", sa.Text()),
        sa.Column("slot_at", TIME),
        sa.Column("lease_until", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("ended_by", sa.Text()),
        sa.ForeignKeyConstraint(
            ["correction_id"], ["corrections.id"], ondelete="CASCADE", name="fk_correction_sends_correction_id"
        ),
        sa.CheckConstraint(
            "outcome IN ('sent', 'unknown', 'refused', 'cancelled', 'split')", name=op.f("ck_correction_sends_outcome")
        ),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_correction_sends_finished")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_correction_sends_correction", "correction_sends", ["correction_id", "id"])
    unended = sa.text("outcome IS NULL")
    op.create_index(
        "ix_correction_sends_unended",
        "correction_sends",
        ["correction_id", "app", "id"],
        postgresql_where=unended,
        sqlite_where=unended,
    )


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM history WHERE event LIKE 'correction%'")):
        raise RuntimeError("the history tells of corrections since 0026: restore a backup of before it")
    op.drop_table("correction_sends")
    op.drop_table("corrections")
