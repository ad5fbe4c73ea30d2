"""The service: console, HTTP API and worker in one process, until it is stopped."""

import ipaddress
import logging
import signal
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.running import LogFormatOption, LogLevelOption, MetricsHost, MetricsPort, serving_metrics
from ledger.entrypoints.cli.stopping import Stop
from ledger.entrypoints.logs import LogFormat, LogLevel, log_to_stderr
from ledger.errors import InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ledger.app import Ledger

BACKLOG = 512

log = logging.getLogger(__name__)


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")] = 8400,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Only answer; `ledger worker` does the work elsewhere.")
    ] = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Serve the console and the HTTP API, and work, until it is stopped.

    Off this machine it needs tokens: `ledger token create`.
    """
    log_to_stderr(log_format, log_level)
    with opened() as book:
        is_local = is_loopback(host)
        if not is_local and not book.tokens.any_works():
            raise InputError(
                f"{host} is not this machine alone, and there is no token: anybody could recall. First make one with "
                "`ledger token create --name NAME --role admin`"
            )
        with listening(host, port) as listener:
            app = _app(book, is_open=is_local, with_worker=not no_worker)
            with serving_metrics(book, metrics_host, metrics_port, app.state.metrics):
                _run(book, app, listener)
    log.info("stopped: what was under way is written down")


# Loaded late: FastAPI and uvicorn are for the service only.
def _app(book: "Ledger", *, is_open: bool, with_worker: bool) -> "FastAPI":
    from ledger.entrypoints.api.application import build_app

    return build_app(book, is_open=is_open, with_worker=with_worker)


def _run(book: "Ledger", app: "FastAPI", listener: socket.socket) -> None:
    from ledger.entrypoints.api.server import Server

    name, port = listener.getsockname()[:2]
    shown = f"[{name}]" if ":" in name else name
    # The server gives signals back to whoever had them before: they were obeyed already.
    with Stop(signal.SIGTERM, say_so=lambda: None) as stop:
        log.info("listening on http://%s:%s, on %s", shown, port, book.database.shown_url)
        Server(app, lambda: stop.is_asked_for).run([listener])


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens, alone or beside others on its address; raise InputError when that cannot be."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, proto)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    return listener


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
