"""Tokens may be those of agents.

Revision 0025, after 0024. Both directions are written, for both databases. Older processes do not know the role of an
agent: make such tokens once all are of this release. Going back is refused once one was made.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)
UserIds = postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), "sqlite")
BEFORE = ("recorder", "operator", "approver", "auditor", "admin")
AFTER = (*BEFORE, "agent")
COLUMNS = "id, name, role, robots, prefix, digest, created_by, created_at, last_used_at, revoked_at, owner, campaigns"
OF_SESSIONS = "digest, token_id, created_at, expires_at"


def upgrade() -> None:
    _allow(AFTER)


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM tokens WHERE role = 'agent'")):
        raise RuntimeError("tokens of agents were made since 0025: restore a backup of before it")
    _allow(BEFORE)


def _allow(roles: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _build_anew(roles)
        return
    name = op.f("ck_tokens_role")
    op.drop_constraint(name, "tokens", type_="check")
    op.create_check_constraint(name, "tokens", _condition(roles))


def _condition(roles: tuple[str, ...]) -> str:
    return f"role IN ({', '.join(map(repr, roles))})"


def _build_anew(roles: tuple[str, ...]) -> None:
    """Make the table anew, since SQLite cannot change a constraint; sessions, which point at it, are kept."""
    op.execute(f"CREATE TABLE sessions_before AS SELECT {OF_SESSIONS} FROM sessions")  # noqa: S608
    op.drop_table("sessions")
    op.drop_index("uq_tokens_valid_name", "tokens")
    op.rename_table("tokens", "tokens_before")
    op.create_table(
        "tokens",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("robots", UserIds, nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("last_used_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.Column("owner", sa.Text()),
        sa.Column("campaigns", UserIds),
        sa.CheckConstraint(_condition(roles), name=op.f("ck_tokens_role")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_tokens_name")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO tokens ({COLUMNS}) SELECT {COLUMNS} FROM tokens_before")  # noqa: S608
    op.drop_table("tokens_before")
    valid = sa.text("revoked_at IS NULL")
    op.create_index("uq_tokens_valid_name", "tokens", ["name"], unique=True, sqlite_where=valid)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("token_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_sessions_token_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_token", "sessions", ["token_id"])
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"])
    op.execute(f"INSERT INTO sessions ({OF_SESSIONS}) SELECT {OF_SESSIONS} FROM sessions_before")  # noqa: S608
    op.drop_table("sessions_before")
