"""${message}

Revision ${up_revision}, after ${down_revision}.

Rules: a step never loses a key or a fact of history; it runs while older processes still write, or says that it cannot;
both directions are written, for both databases; names are plain numbers in order (0002, 0003, ...).
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
