"""The migrations: one line of steps, each there and back, ending in exactly the tables that the code defines."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import insert, text, update

from ledger import Ledger, Settings
from ledger.errors import SchemaOutOfDateError
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.schema import REVISION, history_starts, metadata, recalls
from tests.databases import PostgreSQL


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrate.scripts_folder()))
    return ScriptDirectory.from_config(config)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A database without tables."""
    return make_empty(request, tmp_path, "first")


def make_empty(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> Database:
    if request.node.callspec.params["empty"] == "sqlite":
        file = Database(f"sqlite:///{tmp_path / name}.sqlite")
        request.addfinalizer(file.close)
        return file
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create_empty()
    database = Database(url)

    def drop() -> None:
        database.close()
        server.drop(url)

    request.addfinalizer(drop)
    return database


def test_there_is_one_head_and_the_code_names_it() -> None:
    assert scripts().get_heads() == [REVISION]


def test_every_step_goes_up_down_and_up_again(empty: Database) -> None:
    for step in reversed(list(scripts().walk_revisions())):
        migrate.upgrade(empty, step.revision)
        before = described(empty)
        migrate.downgrade(empty, str(step.down_revision or "base"))
        assert migrate.upgrade(empty, step.revision) == step.revision
        assert described(empty) == before
    assert migrate.downgrade(empty, "base") is None
    assert described(empty) == {}


def test_migrated_tables_equal_those_of_the_code(
    empty: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    migrate.upgrade(empty)
    defined = make_empty(request, tmp_path, "second")
    with defined.write() as connection:
        metadata.create_all(connection)
    assert described(empty) == described(defined)
    assert len(described(empty)) > 25


def test_going_back_waits_until_nothing_that_a_plan_saw_is_left_to_copy(empty: Database) -> None:
    migrate.upgrade(empty)
    with empty.write() as connection:
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        plan = {"recall_id": 1, "eligible": 1}
        values = {"reason": "x", "actor": "wang", "selection": {}, "plan": plan, "next_lane": 1, "planned_at": moment}
        connection.execute(insert(recalls).values(status="planned", include_shared=False, **values, unfrozen_items=1))
    with pytest.raises(RuntimeError, match="not copied"):
        migrate.downgrade(empty, "0006")
    with empty.write() as connection:
        connection.execute(update(recalls).values(unfrozen_items=0))
    assert migrate.downgrade(empty, "0006") == "0006"


def test_going_back_is_refused_once_anything_has_left_the_history(empty: Database) -> None:
    migrate.upgrade(empty)
    with empty.write() as connection:
        connection.execute(insert(history_starts).values(entries=1024, last_id=1024, digest="f" * 64))
    with pytest.raises(RuntimeError, match="have left"):
        migrate.downgrade(empty, "0015")


def test_going_back_is_refused_once_a_recall_names_who_moved_it(empty: Database) -> None:
    migrate.upgrade(empty)
    with empty.write() as connection:
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        values = {"reason": "x", "actor": "wang", "selection": {}, "plan": {"recall_id": 1}, "next_lane": 1}
        moved = {"planned_at": moment, "moved_by": "bob"}
        connection.execute(insert(recalls).values(status="cancelled", include_shared=False, **values, **moved))
    with pytest.raises(RuntimeError, match="restore a backup"):
        migrate.downgrade(empty, "0007")
    assert migrate.current(empty) == REVISION


def test_who_is_signed_in_stays_so_when_tokens_get_owners(empty: Database) -> None:
    migrate.upgrade(empty, "0008")
    columns = "name, role, robots, prefix, digest, created_by, created_at"
    moment, robots = "'2026-03-01 12:00:00'", "'[]'" if empty.is_sqlite else "'{}'"
    with empty.write() as connection:
        for statement in (
            f"INSERT INTO tokens ({columns}) VALUES ('a', 'admin', {robots}, 'p', 'd', 'x', {moment})",  # noqa: S608
            f"INSERT INTO sessions SELECT 's', id, {moment}, {moment} FROM tokens",  # noqa: S608
        ):
            connection.execute(text(statement))
    for revision in ("0009", "0008", "0009"):
        migrate.upgrade(empty, revision) if revision == "0009" else migrate.downgrade(empty, revision)
        with empty.read() as connection:
            joined = "SELECT tokens.name FROM sessions JOIN tokens ON tokens.id = sessions.token_id"
            assert connection.scalar(text(joined)) == "a"
    with empty.write() as connection:
        connection.execute(text("UPDATE tokens SET owner = 'wang'"))
    with pytest.raises(RuntimeError, match="restore a backup"):
        migrate.downgrade(empty, "0008")


def described(database: Database) -> Mapping[str, object]:
    """Return everything that stands in a database, by name: tables, columns, checks, keys, indexes, triggers."""
    return _described_sqlite(database) if database.is_sqlite else _described_postgresql(database)


def _described_sqlite(database: Database) -> Mapping[str, object]:
    query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' AND name NOT LIKE 'sqlite_%'"
    with database.read() as connection:
        return {f"{kind} {name}": _clauses(sql or "") for kind, name, sql in connection.execute(text(query))}


def _clauses(sql: str) -> list[str]:
    """Split a statement at its commas: the order of constraints has no meaning, everything else has."""
    inner = re.sub(r"\)( WITHOUT ROWID)?$", r"\1", " ".join(sql.split()))
    return sorted(part.strip() for part in re.split(r",(?![^(]*\))", inner))


_POSTGRESQL = {
    "column": """
        SELECT table_name || '.' || column_name,
               concat_ws(' ', data_type, udt_name, is_nullable, column_default, is_identity, identity_generation)
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """,
    "constraint": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'
    """,
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'alembic%'",
    "trigger": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "function": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
}


def _described_postgresql(database: Database) -> Mapping[str, object]:
    with database.read() as connection:
        return {
            f"{kind} {name}": " ".join(str(what).split())
            for kind, query in _POSTGRESQL.items()
            for name, what in connection.execute(text(query))
        }


def test_postgresql_has_the_types_that_people_expect_in_psql(postgresql: PostgreSQL) -> None:
    url = postgresql.create()
    database = Database(url)
    query = "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = 'messages'"
    with database.read() as connection:
        types = {row.column_name: row.udt_name for row in connection.execute(text(query))}
    database.close()
    postgresql.drop(url)
    assert (types["sent_at"], types["deadline"]) == ("timestamptz", "timestamptz")
    assert (types["recipients"], types["undelivered"], types["process_query_key"]) == ("_text", "jsonb", "text")


def test_postgresql_without_tables_names_the_command(postgresql: PostgreSQL) -> None:
    url = postgresql.create_empty()
    book = Ledger(Settings.load(database_url=url))
    with pytest.raises(SchemaOutOfDateError, match="ledger db upgrade"):
        book.campaigns()
    book.close()
    postgresql.drop(url)


def test_tables_of_another_version_name_what_to_do(database: Database) -> None:
    for version, says in (("0000", "ledger db upgrade"), ("9999", "newer dingtalk-ledger")):
        with database.write() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))  # noqa: S608
        with pytest.raises(SchemaOutOfDateError, match=says):
            migrate.ensure(database)
