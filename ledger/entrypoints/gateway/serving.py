"""One gateway process at work: a ledger, the application on it, its server, and its metrics."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.dingtalk.endpoints import Endpoints
from ledger.entrypoints.gateway.application import Gateway
from ledger.entrypoints.gateway.server import GatewayServer
from ledger.entrypoints.process.metrics import Metrics
from ledger.entrypoints.process.metrics_server import serving_metrics

if TYPE_CHECKING:
    from socket import socket

    from ledger.entrypoints.gateway.supervisor import WorkerOptions
    from ledger.parts import Parts


def serve(parts: "Parts", orders: "WorkerOptions", listener: "socket", is_over: Callable[[], bool]) -> None:
    """Serve on a socket until a signal comes or it is over; what is in flight is ended first."""
    metrics = Metrics(parts)
    gateway = Gateway(parts, Endpoints(parts.settings, orders.app), metrics.gateway)
    with serving_metrics(parts, orders.metrics_host, orders.metrics_port, metrics):
        GatewayServer(gateway, parts.settings, is_over).run([listener])
