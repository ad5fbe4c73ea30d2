"""A sender that records one message after the other while something else happens: a child of the run.

`python -m tests.benchmarks.inserting DATABASE_URL` records until its stdin is closed, then prints what each took.
"""

import itertools
import json
import sys
import threading
import time

from ledger.app import Ledger
from ledger.settings import Settings

from .workload import ROBOT

PAUSE_SECONDS = 0.002


def main() -> None:
    """Say "ready" after the first record; at the end print pairs of time (monotonic, seconds) and milliseconds."""
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    taken: list[tuple[float, float]] = []
    with Ledger(Settings(database_url=sys.argv[1])) as book:
        for number in itertools.count():
            started = time.monotonic()
            book.record(process_query_key=f"live-{number}", robot_code=ROBOT, user_ids=["live"])
            if number == 0:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            else:
                taken.append((started, (time.monotonic() - started) * 1000))
            if stop.wait(PAUSE_SECONDS):
                break
    json.dump(taken, sys.stdout)


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
