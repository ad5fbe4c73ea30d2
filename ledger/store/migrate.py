"""The schema's version: created, upgraded and checked with Alembic, from a checkout as from an installed package."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ledger.errors import SchemaOutOfDateError, UnfitDatabaseError
from ledger.store import shape
from ledger.store.database import Database
from ledger.store.schema import REVISION
from ledger.store.upkeep import fitness


def current(database: Database) -> str | None:
    """Return the revision of the database's tables, or None when it has none of ours."""
    with database.read() as connection:
        return _current(connection)


def upgrade(database: Database, revision: str = "head") -> str | None:
    """Bring the tables up to a revision in one transaction; return the revision afterwards.

    Raise UnfitDatabaseError when the database cannot hold what the ledger keeps.
    """
    with database.write() as connection:
        if (wrong := fitness.encoding_trouble(fitness.encoding_of(connection))) is not None:
            raise UnfitDatabaseError(f"{database.shown_url}: {wrong}")
        _run(connection, "upgrade", revision)
        return _current(connection)


def downgrade(database: Database, revision: str) -> str | None:
    """Take the tables back to a revision in one transaction; return the revision afterwards."""
    with database.write() as connection:
        _run(connection, "downgrade", revision)
        return _current(connection)


def ensure(database: Database) -> None:
    """Create the tables of a new embedded database; raise SchemaOutOfDateError for any other that is not current.

    Raise UnfitDatabaseError when others of the same names are found first.
    """
    found = current(database)
    if found is None and database.is_sqlite:
        found = upgrade(database)
    if found == REVISION:
        _refuse_hidden_tables(database)
        return
    if found is not None and found > REVISION:
        raise SchemaOutOfDateError(
            f"the tables are of version {found}, newer than this program's {REVISION}: install a newer dingtalk-ledger"
        )
    state = "has no tables yet" if found is None else f"has tables of version {found}; this program needs {REVISION}"
    raise SchemaOutOfDateError(f"the database {database.shown_url} {state}: run `ledger db upgrade`")


def scripts_folder() -> Path:
    """Return the folder of the migrations: inside an installed package, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _refuse_hidden_tables(database: Database) -> None:
    """What is recorded would go where no other process looks, and nobody would hear of it."""
    if database.is_sqlite:
        return
    with database.read() as connection:
        hidden = shape.hidden_tables(connection)
    if hidden:
        raise UnfitDatabaseError(f"{database.shown_url}: " + "; ".join(hidden))


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _run(connection: Connection, direction: str, revision: str) -> None:
    # Loaded late: only the few commands that migrate need Alembic.
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        # Several processes may start at once; the second waits, and finds the work done.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger migrations'))"))
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
