"""The service: console, HTTP API and worker in one process, until it is stopped."""

import logging
import signal
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.options import LogFormatOption, LogLevelOption, MetricsHost, MetricsPort
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.logs import LogFormat, LogLevel, log_to_stderr
from ledger.entrypoints.process.metrics_server import serving_metrics
from ledger.entrypoints.process.signals import Stop
from ledger.entrypoints.process.sockets import is_loopback, listening
from ledger.errors import DatabaseUnavailableError, InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ledger.parts import Parts

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
    with opened() as parts:
        is_local = is_loopback(host)
        if not is_local and not _may_anybody_sign_in(parts):
            raise InputError(
                f"{host} is not this machine alone, and there is no token: anybody could recall. First make one with "
                "`ledger token create --name NAME --role admin`"
            )
        with listening(host, port) as listener:
            app = _app(parts, is_open=is_local, with_worker=not no_worker)
            with serving_metrics(parts, metrics_host, metrics_port, app.state.metrics):
                _run(parts, app, listener)
    log.info("stopped: what was under way is written down")


def _may_anybody_sign_in(parts: "Parts") -> bool:
    """Say whether there is a token that works; while nobody can know, nobody is let in either."""
    try:
        return parts.service_tokens.any_works()
    except DatabaseUnavailableError:  # the worker, or the first request, says so
        return True


# Loaded late: FastAPI and uvicorn are for the service only.
def _app(parts: "Parts", *, is_open: bool, with_worker: bool) -> "FastAPI":
    from ledger.entrypoints.service.application import build_app

    return build_app(parts, is_open=is_open, with_worker=with_worker)


def _run(parts: "Parts", app: "FastAPI", listener: socket.socket) -> None:
    from ledger.entrypoints.service.server import ServiceServer

    name, port = listener.getsockname()[:2]
    shown = f"[{name}]" if ":" in name else name
    # The server gives signals back to whoever had them before: they were obeyed already.
    with Stop(signal.SIGTERM, signal.SIGHUP, say_so=lambda: None) as stop:
        log.info("listening on http://%s:%s, on %s", shown, port, parts.database.shown_url)
        ServiceServer(app, lambda: stop.is_asked_for).run([listener])
