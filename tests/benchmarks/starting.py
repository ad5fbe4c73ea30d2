"""What a start costs, beside importing SQLAlchemy and Alembic alone, in processor time: JSON on stdout.

`python -m tests.benchmarks.starting [--repeats 9]`

All take turns, each in an interpreter of its own, on an SQLite file that has its tables; what counts is the median of
each turn's ratio. A cron job pays it each time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from . import machine

BESIDE = "import sqlalchemy, alembic"
FIRST_RECORD = """
from ledger import Ledger
with Ledger() as book:
    book.record(process_query_key="key", robot_code="robot")
"""
STARTS: Mapping[str, Sequence[str]] = {
    BESIDE: ("-c", BESIDE),
    "ledger record": ("-m", "ledger", "record", "--robot", "robot", "--key", "key"),
    "ledger campaigns": ("-m", "ledger", "campaigns"),
    "ledger campaigns --json": ("-m", "ledger", "campaigns", "--json"),
    "a program's first record": ("-c", FIRST_RECORD),
}


def main() -> None:
    """Measure everything in one run."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.starting", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-") as folder:
        database = f"sqlite:///{Path(folder) / 'ledger.sqlite'}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        environment |= {"LEDGER_DATABASE_URL": database}
        subprocess.run(
            [sys.executable, "-m", "ledger", "db", "upgrade"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        turns = [{name: _seconds(words, environment) for name, words in STARTS.items()} for _ in range(repeats)]
    figures: dict[str, Any] = {
        name: {
            "processor_seconds": round(median(turn[name] for turn in turns), 3),
            "beside": round(median(turn[name] / turn[BESIDE] for turn in turns), 2),
        }
        for name in STARTS
    }
    json.dump({"machine": machine.facts(), "starts": figures}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _seconds(words: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the processor seconds of one start, which nobody sees."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    process = os.posix_spawn(sys.executable, [sys.executable, *words], environment, file_actions=quiet)
    _, status, used = os.wait4(process, 0)
    assert status == 0, words
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
