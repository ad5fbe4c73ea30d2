"""The tools for agents: a server of the Model Context Protocol, on the standard streams or over HTTP."""

import logging
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.entrypoints.cli.options import Actor, LogFormatOption, LogLevelOption
from ledger.entrypoints.cli.proof import TokenFile, read_token
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.logs import LogFormat, LogLevel, log_to_stderr
from ledger.entrypoints.process.signals import Stop
from ledger.entrypoints.process.sockets import is_loopback, listening
from ledger.errors import InputError, UnauthenticatedError
from ledger.services.access.actor import shows_token, who_comes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.core.access.roles import Identity
    from ledger.entrypoints.agents.callers import Context
    from ledger.parts import Parts

PORT = 8402

log = logging.getLogger(__name__)


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Answer over streamable HTTP, at /mcp.")] = False,
    host: Annotated[str, typer.Option("--host", help="With --http: the address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --http: the port; 0 takes any free one.")
    ] = PORT,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Only answer; `ledger worker` makes the calls elsewhere.")
    ] = False,
    token_file: TokenFile = None,
    actor: Actor = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = LogLevel.INFO,
) -> None:
    """Offer agents (MCP) tools to look, to plan a recall, and to ask for it, on somebody's behalf.

    On the standard streams, for a client that starts it; --http for clients that bring a token of the service each.
    """
    log_to_stderr(log_format, log_level)
    _need_library()
    if http:
        if token_file is not None or actor is not None:
            raise InputError("with --http, each client brings a token of its own: leave --token-file and --actor out")
        _serve_http(host, port, with_worker=not no_worker)
    else:
        _serve_streams(token_file, actor, with_worker=not no_worker)
    log.info("stopped: what was under way is written down")


def _need_library() -> None:
    try:
        import mcp as _  # noqa: F401
    except ModuleNotFoundError:
        raise InputError("`ledger mcp` needs one more library: pip install 'dingtalk-ledger[mcp]'") from None


def _serve_streams(token_file: str | None, actor: str | None, *, with_worker: bool) -> None:
    from ledger.entrypoints.agents.server import build_server
    from ledger.entrypoints.agents.stdio import serve

    if token_file == "-":  # noqa: S105  (a name for standard input)
        raise InputError(
            "what stands on standard input is the client's here: put the token into a file, or LEDGER_TOKEN"
        )
    token = read_token(token_file) if token_file is not None else None
    with opened() as parts:

        def identify(_: "Context") -> "Identity":
            # Anew for each call: a token that was revoked ends here, too.
            if not shows_token(token) and parts.service_tokens.any_exists():
                raise UnauthenticatedError(
                    "there are tokens of the service, so an agent shows one: put it into LEDGER_TOKEN, or into a file "
                    "for --token-file (`ledger token create` makes one)"
                )
            return who_comes(parts.service_tokens, actor, token)

        with _at_work(parts, with_worker=with_worker):
            serve(build_server(parts, identify, with_worker=with_worker), parts.settings.request_max_bytes)


def _serve_http(host: str, port: int, *, with_worker: bool) -> None:
    from ledger.entrypoints.agents.application import PATH, build_app, who_holds_the_token
    from ledger.entrypoints.agents.server import build_server
    from ledger.entrypoints.http.server import ServiceServer
    from ledger.entrypoints.process.metrics import Metrics

    with opened() as parts:
        if not parts.service_tokens.any_works():
            raise InputError(
                "agents come in with a token, and there is none: first make one with `ledger token create --name NAME "
                "--role agent --owner PERSON`"
            )
        if not is_loopback(host):
            log.warning("tokens come over the network to %s: put HTTPS in front", host)
        with listening(host, port) as listener, _at_work(parts, with_worker=with_worker):
            server = build_server(parts, who_holds_the_token, with_worker=with_worker)
            app = build_app(parts, server, Metrics(parts))
            name, number = listener.getsockname()[:2]
            address = f"http://{f'[{name}]' if ':' in name else name}:{number}{PATH}"
            with Stop(signal.SIGTERM, signal.SIGHUP, say_so=lambda: None) as stop:
                log.info("listening on %s, on %s", address, parts.database.shown_url)
                ServiceServer(app, lambda: stop.is_asked_for).run([listener])


@contextmanager
def _at_work(parts: "Parts", *, with_worker: bool) -> "Iterator[None]":
    """Note who reads, and make calls if that is wanted, until the end."""
    from ledger.entrypoints.process.worker_thread import WorkerThread

    worker = WorkerThread(parts) if with_worker else None
    parts.read_log.start()
    try:
        yield
    finally:
        parts.read_log.stop()
        if worker is not None:
            worker.stop()
