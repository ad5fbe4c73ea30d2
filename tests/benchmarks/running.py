"""One recall in a process of its own: a child of the run.

`python -m tests.benchmarks.running CAMPAIGN` plans, says how long that took, waits for a line on stdin, runs the
recall, and says how it went; the settings come from the environment.
"""

import json
import sys
import time

from ledger.app import Ledger
from ledger.core.recalls.recall import Result


def main() -> None:
    """Print two lines of JSON."""
    with Ledger() as book:
        book.recalls(limit=1)  # opens the connection and loads the code, which is no part of a plan
        started = time.perf_counter()
        plan = book.plan(campaign=sys.argv[1], reason="to see how fast it goes", actor="benchmark")
        _print(plan_seconds=time.perf_counter() - started, eligible=plan.eligible, calls=plan.calls)
        sys.stdin.readline()
        confirmed_at = time.time()
        _print(confirmed_at=confirmed_at)
        result = book.run(plan, on_progress=_look_on)
        _print(seconds=time.time() - confirmed_at, cpu_seconds=time.process_time(), **result.to_json())


def _look_on(_result: Result) -> None:
    """Do nothing with the progress; that somebody asks for it is part of an ordinary run."""


def _print(**figures: object) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
