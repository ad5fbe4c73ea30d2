"""What the commands have in common that run until they are stopped: how they log, and where they serve metrics."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.logs import LogFormat, LogLevel

if TYPE_CHECKING:
    from ledger.app import Ledger
    from ledger.entrypoints.metrics import Metrics

LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="How log lines are written: for people, or as JSON objects.")
]
LogLevelOption = Annotated[LogLevel, typer.Option("--log-level", help="From which weight on lines are written.")]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, help="Serve metrics at a port of their own, without tokens."),
]
MetricsHost = Annotated[str, typer.Option("--metrics-host", help="The address to serve metrics on.")]


def serving_metrics(
    book: "Ledger", host: str, port: int | None, metrics: "Metrics | None" = None
) -> AbstractContextManager[None]:
    """Serve metrics as long as it is entered, when there is a port for them."""
    if port is None:
        return nullcontext()
    # Loaded late: most do without.
    from ledger.entrypoints.metrics import Metrics, scraped_at

    return scraped_at(metrics or Metrics(book), host, port)
