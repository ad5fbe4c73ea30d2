"""Whether the tables are what the migrations made: the right ones, with their rules. Others may change a database too.

A rule that is gone lets in what nothing else stops, such as a key twice; a table of the same name in a schema that is
searched first takes what ours should have.
"""

import re
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, Dialect, text
from sqlalchemy.schema import AddConstraint, CreateIndex

from ledger.store.schema import POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS, metadata
from ledger.store.schema.special_indexes import PARTIAL_INDEXES

_SCHEMAS = text("""
    SELECT wanted.name, pg_namespace.nspname FROM unnest(CAST(:names AS text[])) AS wanted (name)
    JOIN pg_class ON pg_class.oid = to_regclass(wanted.name)
    JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
""")
_RULES = text("""
    SELECT rules.name FROM (
        SELECT conrelid, conname FROM pg_constraint WHERE convalidated
        UNION SELECT indrelid, relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisunique AND indisvalid
        UNION SELECT tgrelid, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')
    ) AS rules ("table", name)
    WHERE rules."table" IN (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS ours (name))
""")
# There a constraint goes with its table alone.
_RULES_OF_SQLITE = text("SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger')")
_RULE = re.compile(r"\s*CREATE (?:TRIGGER|UNIQUE INDEX) (\w+)")


def troubles_of(connection: Connection) -> list[str]:
    """Return what is wrong with the tables, each with what to do."""
    if hidden := hidden_tables(connection):
        return hidden
    found = _found(connection)
    lost = {name: statement for name, statement in _rules(connection.dialect) if name not in found}
    return [f"its tables have lost {name}, so run {statement}" for name, statement in lost.items()]


def hidden_tables(connection: Connection) -> list[str]:
    """Return which tables are hidden by others of their names, on PostgreSQL; each with what to do."""
    if connection.dialect.name == "sqlite":
        return []
    schemas = {one.name: one.nspname for one in connection.execute(_SCHEMAS, {"names": _tables()})}
    if not schemas:
        return []
    ours, _ = Counter(schemas.values()).most_common(1)[0]
    return [
        f"{schema}.{name} hides the ledger's table {ours}.{name}: rename it, or ALTER ROLE ... SET search_path = {ours}"
        for name, schema in sorted(schemas.items())
        if schema != ours
    ]


def _tables() -> list[str]:
    return ["alembic_version", *metadata.tables]


def _found(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set(connection.scalars(_RULES_OF_SQLITE))
    return set(connection.scalars(_RULES, {"names": _tables()}))


def _rules(dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield every rule of the tables by name, each with the statement that makes it."""
    is_sqlite = dialect.name == "sqlite"
    for table in metadata.tables.values():
        for constraint in () if is_sqlite else table.constraints:
            made = AddConstraint(constraint, isolate_from_table=False).compile(dialect=dialect)
            yield str(constraint.name), _on_one_line(str(made))
        for index in table.indexes:
            if index.unique:
                yield str(index.name), _on_one_line(str(CreateIndex(index).compile(dialect=dialect)))
    for statement in (*PARTIAL_INDEXES, *(SQLITE_TRIGGERS if is_sqlite else POSTGRESQL_TRIGGERS)):
        if (found := _RULE.match(statement)) is not None:
            yield found[1], _on_one_line(statement)


def _on_one_line(statement: str) -> str:
    return " ".join(statement.split())
