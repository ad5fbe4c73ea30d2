"""The pretend DingTalk, for trying things out."""

from typing import Annotated

import typer

from ledger.errors import InputError


def simulator(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes any free one.")] = 8399,
) -> None:
    """Run a pretend DingTalk until it is stopped.

    LEDGER_API_URL points the ledger at it.
    """
    from ledger.simulator import serve

    try:
        serve(host, port)
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
