"""Statements are compiled once for all databases of a kind, though each test has an engine of its own."""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

# More than all statements of the ledger in both dialects: nothing is thrown away.
MOST = 20_000


class CompiledStatements(LRUCache[Any, Any]):
    """A cache of compiled statements that tells dialects apart by their kind, not by their engine."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def _by_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *others = key
    return type(dialect), *others


def share_compiled_statements() -> None:
    """Let every engine of this process use one cache."""
    cache = CompiledStatements(MOST)

    @event.listens_for(Engine, "engine_connect")
    def use_cache(connection: Connection) -> None:
        connection.execution_options(compiled_cache=cache)
