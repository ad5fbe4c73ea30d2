"""Metrics at a port of their own, for as long as a command runs."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.entrypoints.process.metrics import Metrics
    from ledger.parts import Parts


def serving_metrics(
    parts: "Parts", host: str, port: int | None, metrics: "Metrics | None" = None
) -> AbstractContextManager[None]:
    """Serve metrics as long as it is entered, when there is a port for them."""
    if port is None:
        return nullcontext()
    # Loaded late: most do without.
    from ledger.entrypoints.process.metrics import Metrics, scraped_at

    return scraped_at(metrics or Metrics(parts), host, port)
