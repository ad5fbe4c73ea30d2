"""How Alembic reaches the ledger's database: the connection that `ledger db` hands over, or the settings."""

from alembic import context
from sqlalchemy import Connection

from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.schema import metadata


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=False)
    context.run_migrations()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    _migrate(handed_over)
else:
    with Database(Settings.load().database_url_or_default).write() as own:
        _migrate(own)
