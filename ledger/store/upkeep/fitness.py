"""Whether a database that answers can also be worked with: written, by this role, in our letters."""

import os
from pathlib import Path

from sqlalchemy import Connection, text

from ledger.store.database import Database
from ledger.store.schema import metadata

ENCODING = "UTF8"
_NEVER_UPDATED = {
    *("audit_read_seals", "audit_reads"),
    *("disputes", "history", "history_starts", "message_counts", "policies"),
    *("schedules", "sessions", "verifications"),
}
_DELETED_FROM = {
    *("answers", "campaign_people", "corrections", "disputes", "event_usage", "keyless_sends", "message_counts"),
    *("message_events", "messages", "notice_marks", "notices", "person_commitments", "person_secrets"),
    *("plan_messages", "read_counts", "recall_items", "recall_skips", "recalled_elsewhere", "recalls"),
    *("sending_stops", "sessions", "stream_connections", "verifications", "watched_campaigns"),
}
# Where the history is kept for a time only: its guards refuse what has not left.
_LEFT_FROM = {"approvals", "audit_reads", "break_glass", "history", "recall_calls", "schedules"}
_STATE = """
    SELECT pg_is_in_recovery() AS is_standby, current_setting('server_encoding') AS encoding,
        current_setting('default_transaction_read_only') = 'on' AS is_read_only, current_user AS role
"""
_MISSING_RIGHTS = """
    SELECT "right", "table" FROM unnest(CAST(:rights AS text[]), CAST(:tables AS text[])) AS wanted ("right", "table")
    WHERE to_regclass("table") IS NOT NULL AND NOT has_table_privilege("table", "right") ORDER BY 1, 2
"""


def rights_needed(*, keeps_for_ever: bool) -> list[tuple[str, str]]:
    """Return what the ledger's role has to be granted on PostgreSQL: rights, each with the table that it is for."""
    tables = set(metadata.tables)
    deleted_from = _DELETED_FROM | (set() if keeps_for_ever else _LEFT_FROM)
    return [
        ("SELECT", "alembic_version"),
        *(("SELECT", table) for table in sorted(tables)),
        *(("INSERT", table) for table in sorted(tables)),
        *(("UPDATE", table) for table in sorted(tables - _NEVER_UPDATED)),
        *(("DELETE", table) for table in sorted(deleted_from)),
    ]


def troubles_of(database: Database, *, keeps_for_ever: bool) -> list[str]:
    """Return what keeps the ledger from writing, each with what to do; raise DatabaseError when it is away.

    Unless it keeps its history for ever, it has to let go of it.
    """
    if database.is_sqlite:
        with database.write():  # a file or a disk that may only be read says so here
            return []
    with database.read() as connection:
        state = connection.execute(text(_STATE)).mappings().one()
        found = []
        if state["is_standby"]:
            found.append("this server is a standby, which can only be read: let LEDGER_DATABASE_URL name the primary")
        elif state["is_read_only"]:
            found.append(f"{state['role']} may only read here: ALTER ROLE or DATABASE ... SET "
                         "default_transaction_read_only = off")  # fmt: skip
        if (wrong := encoding_trouble(state["encoding"])) is not None:
            found.append(wrong)
        return found + _missing_rights(connection, state["role"], rights_needed(keeps_for_ever=keeps_for_ever))


def is_read_only(database: Database) -> bool:
    """Say whether a database can only be read, without writing to it; raise DatabaseError when it is away."""
    if database.is_sqlite:
        file = database.url.database
        return bool(file) and Path(str(file)).exists() and not os.access(str(file), os.W_OK)
    with database.read() as connection:
        state = connection.execute(text(_STATE)).mappings().one()
    return bool(state["is_standby"] or state["is_read_only"])


def encoding_trouble(encoding: str) -> str | None:
    """Return what is wrong with the encoding of a database, if anything is."""
    if encoding == ENCODING:
        return None
    return (
        f"the database's encoding is {encoding}, which cannot hold every name: make a new one with "
        f"CREATE DATABASE ... ENCODING '{ENCODING}' TEMPLATE template0"
    )


def encoding_of(connection: Connection) -> str:
    """Return the encoding of the database; that of SQLite is always right."""
    if connection.dialect.name == "sqlite":
        return ENCODING
    return str(connection.scalar(text("SELECT current_setting('server_encoding')")))


def _missing_rights(connection: Connection, role: str, wanted: list[tuple[str, str]]) -> list[str]:
    rights, tables = zip(*wanted, strict=True)
    missing: dict[str, list[str]] = {}
    for right, table in connection.execute(text(_MISSING_RIGHTS), {"rights": list(rights), "tables": list(tables)}):
        missing.setdefault(right, []).append(table)
    return [f"{role} lacks rights: GRANT {right} ON {', '.join(tables)} TO {role}" for right, tables in missing.items()]
