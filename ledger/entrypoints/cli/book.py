"""The Ledger that a command works with, opened from the environment and closed after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ledger.app import Ledger

Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="NAME", help="Who does this, for the history. Without: LEDGER_ACTOR, then your login."
    ),
]
RecallId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The number of the recall, as in `ledger recalls`.")]


@contextmanager
def opened() -> Iterator["Ledger"]:
    """Open the ledger of the environment for one command."""
    # Loaded here, not above: it brings SQLAlchemy along, which `--help` can do without.
    from ledger.app import Ledger

    with Ledger() as book:
        yield book
