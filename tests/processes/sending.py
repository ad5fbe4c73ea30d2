"""A sender, to be killed: `python -m tests.processes.sending DOOR LIBRARY URL TOKEN COUNT`.

Through the door `watch` it hands its clients to a ledger of its own; through the door `run` it knows of none.
"""

import sys
import threading

from tests.integrations.senders import SENDERS, Letter, Watch, unwatched

THREADS = 4


def main() -> None:
    """Send from a few threads at once, whatever becomes of each."""
    door, library, url, token, count = sys.argv[1:]
    if door == "run":
        send(unwatched, library, url, token, int(count))
        return
    from ledger import Ledger

    with Ledger() as book:
        send(book.watch, library, url, token, int(count))


def send(watch: Watch, library: str, url: str, token: str, count: int) -> None:
    """Send, and be none the wiser."""

    def work() -> None:
        for _ in range(count // THREADS):
            SENDERS[library](watch, Letter(url=url, token=token))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
