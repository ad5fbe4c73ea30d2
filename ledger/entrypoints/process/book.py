"""The Ledger that a process works with, opened from the environment and closed after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.app import Ledger


@contextmanager
def opened() -> Iterator["Ledger"]:
    """Open the ledger of the environment for one command."""
    # Loaded here, not above: it brings SQLAlchemy along, which `--help` can do without.
    from ledger.app import Ledger

    with Ledger() as book:
        yield book
