"""How much room a ledger takes on its disk, and how much it writes ahead."""

from pathlib import Path

from sqlalchemy import text

from ledger.store.database import Database

_PARTS = """
    SELECT relname, pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'i')
"""


class Written:
    """How many bytes PostgreSQL has written ahead since it was made; SQLite does not count them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._before = self._position()

    def bytes_since(self) -> int:
        """Return them; 0 with SQLite."""
        return self._position() - self._before

    def _position(self) -> int:
        if self._database.is_sqlite:
            return 0
        with self._database.read() as connection:
            return int(connection.scalar(text("SELECT pg_current_wal_insert_lsn() - '0/0'")) or 0)


def bytes_each(url: str, messages: int) -> dict[str, int]:
    """Return the bytes a message of the whole database, and of each table and index that has ten or more."""
    database = Database(url)
    if database.url.database and database.is_sqlite:
        found = {"whole": Path(database.url.database).stat().st_size}
    else:
        with database.read() as connection:
            found = {"whole": int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)}
            found |= {name: int(size) for name, size in connection.execute(text(_PARTS))}
    database.close()
    return {name: size // messages for name, size in found.items() if size >= 10 * messages}
