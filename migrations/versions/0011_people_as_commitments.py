"""People stand in the history as commitments, which an erasure leaves without meaning.

Revision 0011, after 0010. Recording goes on meanwhile; an older process that plans or runs recalls has to be stopped
first, for it would name people themselves. Entries of before are chained anew without ids: what had been changed below
the ledger before stays as it was, and is found as before. The last entry, `chained_anew`, has the last digest that the
chain had; checkpoints of before are of that one, and the next is of the new one. Going back is
refused once the history names anybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.core.access.actors import WORKER
from ledger.core.audit.chain import GENESIS
from ledger.core.recalls.frozen import FrozenDigest
from ledger.store.audit import commitments, history
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.schema import history as entries
from ledger.store.schema import recall_items, recall_skips
from ledger.store.types import Id

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SQLITE_GUARD = """
    CREATE TRIGGER history_no_update BEFORE UPDATE ON history BEGIN
        SELECT RAISE(ABORT, 'history is append-only');
    END
    """
POSTGRESQL_GUARD = """
    CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
    """
FROZEN = {"items": (recall_items, FROZEN_OF_ITEM), "skips": (recall_skips, FROZEN_OF_SKIP)}
NAMES = ("id", "at", "event", "actor", "recall_id", "detail", "digest")
EARLIEST = datetime(2014, 12, 1, tzinfo=UTC)
ROWS_AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "person_secrets",
        sa.Column("id", Id, sa.Identity(always=False), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_secrets")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "person_commitments",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_person_commitments")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if connection.execute(sa.select(entries.c.id).limit(1)).first() is None:
        return
    op.execute("DROP TRIGGER history_no_update" if is_sqlite else "DROP TRIGGER history_no_change ON history")
    _Chain(connection).make_anew()
    # Sums and checkpoints of the chain of before say nothing of this one.
    for table in ("history_segments", "checkpoints", "anchors"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own)
    connection.exec_driver_sql(SQLITE_GUARD if is_sqlite else POSTGRESQL_GUARD)


def downgrade() -> None:
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM person_secrets")):
        raise RuntimeError("the history names people by commitments since 0011: restore a backup of before it instead")
    op.drop_table("person_commitments")
    op.drop_table("person_secrets")


class _Chain:
    """The entries of before, chained anew one after the other."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection, self._committer = connection, commitments.to_write(connection)
        self._rows: dict[tuple[int, str], Iterator[tuple[Any, ...]]] = {}

    def make_anew(self) -> None:
        """Take ids out of the entries; what did not fit before is left alone, and does not fit after."""
        before, after, at = GENESIS, GENESIS, EARLIEST
        for number, stored, entry in _entries(self._connection):
            if _link(before, entry) != stored:
                before = after = stored
                continue
            entry = replace(entry, detail=self._without_ids(entry))
            before, after, at = stored, history.link(after, entry), entry.at
            changed = entries.update().where(entries.c.id == number)
            self._connection.execute(changed.values(detail=entry.detail, digest=after))
        mine = history.Entry(at=at, event="chained_anew", actor=WORKER, recall_id=None, detail=_facts_of_this(before))
        values = {name: getattr(mine, name) for name in NAMES[1:-1]}
        self._connection.execute(entries.insert().values(**values, digest=history.link(after, mine)))

    def _without_ids(self, entry: history.Entry) -> Mapping[str, Any]:
        detail = dict(entry.detail)
        if entry.event in ("planned", "tagged") and "selection" in detail:
            detail["selection"] = self._committer.selection(detail["selection"])
        if "frozen" in detail and entry.recall_id is not None:
            frozen = detail["frozen"]
            detail["frozen"] = {kind: self._facts(entry.recall_id, kind, fact) for kind, fact in frozen.items()}
        return detail

    def _facts(self, recall_id: int, kind: str, fact: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the facts of the same rows with commitments; of rows that are others by now, what it was."""
        table, names = FROZEN[kind]
        if (recall_id, kind) not in self._rows:
            columns = [table.c[name] for name in names]
            self._rows[recall_id, kind] = _rows_of(self._connection, recall_id, columns)
        wanted = fact.get("of", fact["count"])
        plain, covering = (FrozenDigest(columns=names, expected_rows=wanted) for _ in range(2))
        for rows in _batches(self._rows[recall_id, kind], fact["count"]):
            by_column = list(zip(*rows, strict=True))
            plain.add_columns(by_column)
            covering.add_columns(self._committer.covered(names, by_column))
        return {**fact, **covering.to_fact()} if plain.is_like(fact) else fact


def _link(before: str, entry: history.Entry) -> str | None:
    try:
        return history.link(before, entry)
    except (TypeError, ValueError):
        return None


def _facts_of_this(last_digest: str) -> Mapping[str, Any]:
    return {
        "last_digest": last_digest,
        "why": "people are named by commitments from here on, and in what was before, so that they can be erased",
    }


def _entries(connection: sa.Connection) -> Iterator[tuple[int, str, history.Entry]]:
    """Yield the number, the digest and the content of entries, none of them read while it is written."""
    columns = [entries.c[name] for name in NAMES]
    last = connection.scalar(sa.select(sa.func.max(entries.c.id))) or 0
    for start in range(0, last + 1, ROWS_AT_ONCE):
        here = [entries.c.id > start, entries.c.id <= start + ROWS_AT_ONCE]
        for number, at, event, actor, recall_id, detail, stored in list(
            raw_rows(connection, columns, entries.c.id, here)
        ):
            entry = history.Entry(at=at, event=event, actor=actor, recall_id=recall_id, detail=detail)
            yield number, stored, entry


def _rows_of(connection: sa.Connection, recall_id: int, columns: Sequence[sa.Column[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield rows of a recall in the order of their numbers."""
    table, number = columns[0].table, columns[0]
    last = 0
    while True:
        rows = raw_rows(connection, columns, number, [table.c.recall_id == recall_id, number > last])
        if not (some := list(islice(rows, ROWS_AT_ONCE))):
            return
        yield from some
        last = some[-1][0]


def _batches(rows: Iterator[tuple[Any, ...]], count: int) -> Iterator[list[tuple[Any, ...]]]:
    while count > 0 and (some := list(islice(rows, min(count, ROWS_AT_ONCE)))):
        yield some
        count -= len(some)
