"""One of several gateway processes, as `ledger gateway --workers` starts it: it serves until its input is closed."""

import select
import signal
import socket
import sys

from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.exits import code_of_error
from ledger.entrypoints.cli.stopping import Stop
from ledger.entrypoints.gateway.crew import Orders
from ledger.entrypoints.gateway.serving import serve
from ledger.entrypoints.logs import log_to_stderr
from ledger.errors import LedgerError


def main(orders: Orders, descriptor: int) -> int:
    """Serve on a socket, and return an exit code."""
    log_to_stderr(orders.log_format, orders.log_level)
    try:
        stop = Stop(signal.SIGTERM, say_so=lambda: None)
        with opened() as book, socket.socket(fileno=descriptor) as listener, stop:
            serve(book, orders, listener, lambda: stop.is_asked_for or _is_closed(sys.stdin.fileno()))
    except LedgerError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(code_of_error(error))
    return 0


def _is_closed(pipe: int) -> bool:
    """Say whether nobody holds the other end of a pipe any more, into which nothing is ever written."""
    return bool(select.select([pipe], [], [], 0)[0])


if __name__ == "__main__":
    sys.exit(main(Orders.read(sys.argv[1]), int(sys.argv[2])))
