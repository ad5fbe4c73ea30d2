"""The gateway, which senders in any language point their endpoint at, until it is stopped."""

import logging
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from ledger.entrypoints.cli.options import LogFormatOption, LogLevelOption, MetricsHost, MetricsPort
from ledger.entrypoints.gateway.supervisor import Supervisor, WorkerOptions
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.logs import LogFormat, LogLevel, log_to_stderr
from ledger.entrypoints.process.signals import Stop
from ledger.entrypoints.process.sockets import is_loopback, listening
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.dingtalk.endpoints import Endpoints
    from ledger.parts import Parts

PATIENCE_SECONDS = 20.0

log = logging.getLogger(__name__)


def gateway(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")] = 8401,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="How many processes share the work.")] = 1,
    app: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="Forward everything to the endpoint of this app.")
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Serve other machines without a LEDGER_GATEWAY_KEY.")
    ] = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Forward the calls of senders in any language to DingTalk, and record what their sends return.

    A sender points its endpoint here. The headers x-ledger-campaign and x-ledger-source tag its sends.
    """
    log_to_stderr(log_format, log_level)
    orders = WorkerOptions(
        app=app, log_format=log_format, log_level=log_level, metrics_host=metrics_host, metrics_port=metrics_port
    )
    with opened() as parts, ExitStack() as stack:
        from ledger.dingtalk.endpoints import Endpoints

        endpoints = Endpoints(parts.settings, app)
        _check_remote(parts, host, allow_remote=allow_remote)
        listeners = _listeners(stack, host, port, workers)
        address, port = listeners[0].getsockname()[:2]
        _check_circle(endpoints, address, port)
        shown = f"[{address}]" if ":" in address else address
        where = f"listening on http://{shown}:{port}, forwarding to {', '.join(sorted(endpoints.all))}"
        with Stop(signal.SIGTERM, signal.SIGHUP, say_so=lambda: None) as stop:
            log.info("%s, recording on %s", where, parts.database.shown_url)
            if workers == 1:
                _serve(parts, orders, listeners[0], stop)
            elif code := _serve_together(parts, orders, listeners, stop):
                raise typer.Exit(code)
    log.info("stopped: what was in flight is answered and on disk")


def _listeners(stack: ExitStack, host: str, port: int, workers: int) -> list[socket.socket]:
    """Return a socket for each process: from a common one, whoever is awake first takes all that waits."""
    if workers == 1:
        return [stack.enter_context(listening(host, port))]
    # Sockets that share an address would share it with another gateway too; this one would not.
    with listening(host, port) as alone:
        address, port = alone.getsockname()[:2]
    return [stack.enter_context(listening(address, port, shared=True)) for _ in range(workers)]


def _serve(parts: "Parts", orders: WorkerOptions, listener: socket.socket, stop: Stop) -> None:
    # Loaded late: uvicorn and aiohttp are for the gateway only.
    from ledger.entrypoints.gateway.serving import serve

    serve(parts, orders, listener, lambda: stop.is_asked_for)


def _serve_together(parts: "Parts", orders: WorkerOptions, listeners: list[socket.socket], stop: Stop) -> int:
    patience_seconds = parts.settings.gateway_timeout_seconds + PATIENCE_SECONDS
    return Supervisor(listeners, orders).run(lambda: stop.is_asked_for, patience_seconds)


def _check_remote(parts: "Parts", host: str, *, allow_remote: bool) -> None:
    if is_loopback(host):
        return
    if parts.settings.gateway_key is None and not allow_remote:
        raise InputError(
            f"{host} is not this machine alone, and anybody could call DingTalk from here: set LEDGER_GATEWAY_KEY, "
            "which senders give as x-ledger-gateway-key; or say --allow-remote when a firewall keeps others out"
        )
    log.warning("senders' access tokens come over the network to %s: put HTTPS in front", host)


def _check_circle(endpoints: "Endpoints", address: str, port: int) -> None:
    """Refuse to forward to ourselves."""
    for url in endpoints.all:
        parts = urlsplit(url)
        is_here = parts.hostname == address or is_loopback(parts.hostname or "")
        if is_here and (parts.port or {"http": 80, "https": 443}[parts.scheme]) == port:
            raise InputError(f"LEDGER_API_URL is this gateway itself ({url}): give the ledger DingTalk's own endpoint")
