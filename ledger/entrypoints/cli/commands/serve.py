"""The service: console, HTTP API and worker in one process, until it is stopped."""

import logging
import signal
import socket
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.options import LogFormatOption, LogLevelOption, MetricsHost, MetricsPort
from ledger.entrypoints.cli.screen.output import console
from ledger.entrypoints.cli.screen.words import plain
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.logs import LogFormat, LogLevel, log_to_stderr
from ledger.entrypoints.process.metrics_server import serving_metrics
from ledger.entrypoints.process.signals import Stop
from ledger.entrypoints.process.sockets import is_loopback, listening
from ledger.errors import DatabaseError, DatabaseUnavailableError, InputError
from ledger.services.access.actor import default_actor

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ledger.parts import Parts
    from ledger.services.access.tokens import NewToken

log = logging.getLogger(__name__)


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")] = 8400,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Only answer; `ledger worker` does the work elsewhere.")
    ] = False,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Let whoever is at this machine in without a token, until there is one.")
    ] = False,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
    metrics_host: MetricsHost = "127.0.0.1",
    metrics_port: MetricsPort = None,
) -> None:
    """Serve the console and the HTTP API, and work, until it is stopped.

    The first start makes an admin's token and prints it, with a link that signs in once. Off this machine, make one
    before: `ledger token create`.
    """
    log_to_stderr(log_format, log_level)
    with opened() as parts:
        is_local = is_loopback(host)
        _check(parts, host, is_local=is_local, no_auth=no_auth)
        with listening(host, port) as listener:
            app = _app(parts, is_open=no_auth, with_worker=not no_worker)
            with serving_metrics(parts, metrics_host, metrics_port, app.state.metrics):
                _run(parts, app, listener, makes_first_token=is_local and not no_auth)
    log.info("stopped: what was under way is written down")


def _check(parts: "Parts", host: str, *, is_local: bool, no_auth: bool) -> None:
    """Raise InputError for a start after which anybody could recall."""
    if no_auth and not is_local:
        raise InputError(f"--no-auth is for this machine alone, and {host} is for others: leave one of the two out")
    if no_auth and parts.settings.own_hosts:
        raise InputError(
            "--no-auth is for this machine alone, and LEDGER_PUBLIC_URL or LEDGER_ALLOWED_HOSTS say that others ask "
            "for it: leave one of the two out"
        )
    if no_auth:
        log.warning(
            "--no-auth: whoever can open a connection on this machine may recall, unless there is a token, or there "
            "was: then nobody comes in without one"
        )
    if not is_local and not _may_anybody_sign_in(parts):
        raise InputError(
            f"{host} is not this machine alone, and there is no token: anybody could recall. First make one with "
            "`ledger token create --name NAME --role admin`"
        )


def _may_anybody_sign_in(parts: "Parts") -> bool:
    """Say whether there is a token that works; while nobody can know, nobody is let in either."""
    try:
        return parts.service_tokens.any_works()
    except DatabaseUnavailableError:  # the worker, or the first request, says so
        return True


def _first_token(parts: "Parts") -> "NewToken | None":
    """Make the first token of a ledger; None where there was one before, or the database is not ready for it."""
    try:
        return parts.service_tokens.create_first(actor=default_actor())
    except (DatabaseError, InputError) as error:
        log.warning("no token could be made (%s). Later: `ledger token create --name NAME --role admin`", error)
        return None


def _show(first: "NewToken", link: str) -> None:
    """Print the first token and a link that signs in once: not on stderr, where logs are taken from."""
    from ledger.services.access.sign_in_links import VALID_FOR

    paper, minutes = console(), VALID_FOR.total_seconds() / 60
    paper.print(f"Your token, as {plain(first.token.name)}, who may do everything. It is not shown again:")
    paper.print(f"  {first.secret}", soft_wrap=True)
    paper.print(f"One click to sign in, once and within {minutes:.0f} minutes:")
    paper.print(f"  {link}", soft_wrap=True)
    paper.file.flush()


def _address(listener: socket.socket) -> str:
    name, port = listener.getsockname()[:2]
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


# Loaded late: FastAPI and uvicorn are for the service only.
def _app(parts: "Parts", *, is_open: bool, with_worker: bool) -> "FastAPI":
    from ledger.entrypoints.service.application import build_app

    return build_app(parts, is_open=is_open, with_worker=with_worker)


def _run(parts: "Parts", app: "FastAPI", listener: socket.socket, *, makes_first_token: bool) -> None:
    from ledger.entrypoints.http.server import ServiceServer

    # The server gives signals back to whoever had them before: they were obeyed already.
    with Stop(signal.SIGTERM, signal.SIGHUP, say_so=lambda: None) as stop:
        log.info("listening on %s, on %s", _address(listener), parts.database.shown_url)
        # Only now that it runs: a token that nobody was told of would be lost.
        if makes_first_token and (first := _first_token(parts)) is not None:
            address = parts.settings.public_url or _address(listener)
            _show(first, f"{address}/sign-in?once={app.state.sign_in_links.make(first.secret)}")
        ServiceServer(app, lambda: stop.is_asked_for).run([listener])
