"""A history as an earlier release wrote it, before people stood in it as commitments (revision 0010)."""

from sqlalchemy import Connection, select, text, update

from ledger.core.audit.chain import GENESIS
from ledger.core.recalls.frozen import FrozenDigest
from ledger.store.audit import history
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.database import Database
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.schema import (
    POSTGRESQL_TRIGGERS,
    SQLITE_TRIGGERS,
    person_secrets,
    recall_items,
    recall_skips,
    recalls,
)
from ledger.store.schema import history as entries


def make_old(database: Database) -> None:
    """Write the history as an earlier release did, and forget what it did not have."""
    with database.write() as connection:
        drop_guard(connection)
        before = GENESIS
        for stored in list(history.read_all(connection)):
            detail = dict(stored.entry.detail)
            if "selection" in detail:
                detail["selection"] = {"users": ["ann.of.here", "bob.of.here"][: len(detail["selection"]["users"])]}
                if stored.entry.recall_id is not None:
                    mine = select(recalls.c.selection).where(recalls.c.id == stored.entry.recall_id)
                    detail["selection"] = connection.execute(mine).scalar_one()
            for kind, table, names in (
                ("items", recall_items, FROZEN_OF_ITEM),
                ("skips", recall_skips, FROZEN_OF_SKIP),
            ):
                if kind in detail.get("frozen", {}):
                    fact = detail["frozen"][kind]
                    plain = FrozenDigest(columns=names, expected_rows=fact["of"])
                    columns = [table.c[name] for name in names]
                    plain.add_columns(list(zip(*raw_rows(connection, columns, columns[0]), strict=True)))
                    detail["frozen"] = {**detail["frozen"], kind: {**fact, **plain.to_fact()}}
            old = history.Entry(
                at=stored.entry.at,
                event=stored.entry.event,
                actor=stored.entry.actor,
                recall_id=stored.entry.recall_id,
                detail=detail,
            )
            before = history.link(before, old)
            connection.execute(update(entries).where(entries.c.id == stored.id).values(detail=detail, digest=before))
        restore_guard(connection)
        connection.execute(person_secrets.delete())


def drop_guard(connection: Connection) -> None:
    """Let the history be changed."""
    is_sqlite = connection.dialect.name == "sqlite"
    connection.execute(text("DROP TRIGGER history_no_" + ("update" if is_sqlite else "change ON history")))


def restore_guard(connection: Connection) -> None:
    """Let it be changed no more."""
    triggers = SQLITE_TRIGGERS if connection.dialect.name == "sqlite" else POSTGRESQL_TRIGGERS
    for statement in triggers:
        if "TRIGGER history_no_update" in statement or "TRIGGER history_no_change" in statement:
            connection.exec_driver_sql(statement)
