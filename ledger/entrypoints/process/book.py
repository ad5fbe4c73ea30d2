"""The ledger that a process works with: its parts, of the environment's settings, closed when the work is done."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.parts import Parts


@contextmanager
def opened() -> Iterator["Parts"]:
    """Give the parts of the environment's ledger to one command; none is built before it is used."""
    # Loaded here, not above: it brings SQLAlchemy along, which `--help` can do without.
    from ledger.parts import Parts
    from ledger.settings import Settings

    with closing(Parts(Settings.load())) as parts:
        yield parts
