"""Faults of a database: which of them a row has to answer for, and what is said of all others.

Only what names the row's own values is the row's fault: an SQLSTATE of class 22 (data) or 23 (constraint) about a rule
of ours. Everything else, whatever it is, means that the database cannot take it now.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import CheckConstraint, Table
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from ledger.errors import DatabaseUnavailableError, InvalidMessageError, StatementRefusedError

# What a server says when it is not the one that can be written (a standby), ends, or, behind a pooler, knows nothing of
# what was prepared on the connection before.
OF_THE_CONNECTION = {"25006", "26000", "42P05", "57P01", "57P02", "57P03"}
# PostgreSQL undid a transaction for the sake of another one: the two would have waited for each other for ever, or have
# overtaken each other.
GAVE_WAY = {"40001", "40P01"}
TRIES = 5
_OF_ENCODINGS = {"22021", "22P05"}

P = ParamSpec("P")
T = TypeVar("T")


def repeated(work: Callable[P, T]) -> Callable[P, T]:
    """Run work again, a few times, when its transaction had to give way to another one: the database is not away then.

    Work is one transaction; what it does besides may be done again.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return work(*args, **kwargs)
            except DatabaseUnavailableError as error:
                if not _gave_way(error):
                    raise
        return work(*args, **kwargs)

    return run


def _gave_way(error: DatabaseUnavailableError) -> bool:
    return isinstance(error.__cause__, DBAPIError) and state_of(error.__cause__) in GAVE_WAY


def state_of(error: DBAPIError) -> str | None:
    """Return the SQLSTATE of an error; None where there is none, as on SQLite."""
    found = getattr(error.orig, "sqlstate", None)
    return found if isinstance(found, str) else None


def text_of(error: DBAPIError) -> str:
    """Return the first line of what the driver says, with the SQLSTATE if there is one."""
    lines = str(error.orig).strip().splitlines()
    state = state_of(error)
    return (lines[0] if lines else type(error.orig).__name__) + (f" (SQLSTATE {state})" if state else "")


@contextmanager
def of_rows(table: Table) -> Iterator[None]:
    """Run statements that write rows into a table.

    Raise InvalidMessageError when a row's own values are at fault, StatementRefusedError for other rules about values.
    """
    try:
        yield
    except DBAPIError as error:
        if _is_fault_of_row(error, table):
            raise InvalidMessageError(f"the database does not take it: {text_of(error)}") from error
        if is_of_values(error):
            raise StatementRefusedError(
                f"a rule of the database that is not ours stops it: {text_of(error)}"
            ) from error
        raise


def dropped(table: Table) -> StatementRefusedError:
    """Return the error for a row that is not there although its insert went well, and that nobody else had written."""
    return StatementRefusedError(
        f"the database drops rows without an error: a trigger or a rule on {table.name} skips them. "
        "Remove it: what waits is recorded then"
    )


def is_of_values(error: DBAPIError) -> bool:
    """Say whether an error is about the values of a statement: those who made it know what to do."""
    state = state_of(error)
    if state is not None:
        return state.startswith(("22", "23"))
    return isinstance(error, (DataError, IntegrityError))


def _is_fault_of_row(error: DBAPIError, table: Table) -> bool:
    # Names that others gave a rule of theirs say nothing of ours: who adds one may also take it away.
    checks = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorname", "")
        return code == "SQLITE_CONSTRAINT_CHECK" and str(error.orig).rpartition(": ")[2] in checks
    state, about = state_of(error) or "", getattr(error.orig, "diag", None)
    if state == "23514":
        return about is not None and about.table_name == table.name and about.constraint_name in checks
    # The values that came along: too long, out of range, no text. A function of somebody's trigger may fail in the same
    # way, and letters that the database has no place for are a fault of its encoding.
    is_value = state.startswith("22") and state not in _OF_ENCODINGS
    return is_value and about is not None and "function" not in (about.context or "")
