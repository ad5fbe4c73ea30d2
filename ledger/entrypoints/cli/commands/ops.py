"""`ledger ops`: hands out a dashboard and alert rules."""

from enum import StrEnum
from typing import Annotated

import typer


class Handed(StrEnum):
    """What `ops` hands out."""

    DASHBOARD = "dashboard"
    ALERTS = "alerts"


def ops(
    what: Annotated[Handed, typer.Argument(help="A dashboard for Grafana, or alert rules for Prometheus.")],
) -> None:
    """Write a dashboard for Grafana, or alert rules for Prometheus, to stdout."""
    from ledger.ops import text_of

    typer.echo(text_of(what), nl=False)
