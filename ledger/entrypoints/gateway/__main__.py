"""One of several gateway processes, as `ledger gateway --workers` starts it: it serves until its input is closed."""

import select
import signal
import socket
import sys

from ledger.core.json_value import printable
from ledger.entrypoints.gateway.serving import serve
from ledger.entrypoints.gateway.supervisor import WorkerOptions
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import code_of_error
from ledger.entrypoints.process.logs import log_to_stderr
from ledger.entrypoints.process.signals import Stop
from ledger.entrypoints.process.streams import prepare
from ledger.errors import LedgerError


def main(orders: WorkerOptions, descriptor: int) -> int:
    """Serve on a socket, and return an exit code."""
    prepare()
    log_to_stderr(orders.log_format, orders.log_level)
    try:
        stop = Stop(signal.SIGTERM, signal.SIGHUP, say_so=lambda: None)
        with opened() as parts, socket.socket(fileno=descriptor) as listener, stop:
            serve(parts, orders, listener, lambda: stop.is_asked_for or _is_closed(sys.stdin.fileno()))
    except LedgerError as error:
        sys.stderr.write(f"error: {printable(str(error))}\n")
        return int(code_of_error(error))
    return 0


def _is_closed(pipe: int) -> bool:
    """Say whether nobody holds the other end of a pipe any more, into which nothing is ever written."""
    return bool(select.select([pipe], [], [], 0)[0])


if __name__ == "__main__":
    sys.exit(main(WorkerOptions.read(sys.argv[1]), int(sys.argv[2])))
