"""What a growing ledger costs: each size is filled, and then all that people and programs do with it takes its turn.

`python -m tests.benchmarks.growing [--sizes 100000,1000000] [--databases sqlite,postgresql]`: JSON on stdout

Any size goes; a million messages to 20 people each take about 1 GB. Milliseconds are of the processor, of this process
and of the database server together: what others do on the machine meanwhile shows in them little. Those by the clock
are named so. At the end stands how many times as much each takes at the largest size as at the smallest.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ledger.app import Ledger
from ledger.settings import Settings
from ledger.store.database import Database

from . import grown, looking, machine, sizing, working
from .databases import KINDS, Kind
from .grown import Grown
from .processor import Processor

Figures = dict[str, Any]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    sizes = [int(size) for size in options.sizes.split(",")]
    report: Figures = {"machine": machine.facts(), "recipients": options.recipients, "databases": {}}
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            kind = KINDS[name](home)
            measured: Figures = {str(size): _measure(kind, size, options.recipients, home) for size in sizes}
            times = _times(measured[str(sizes[0])], measured[str(sizes[-1])])
            report["databases"][name] = {"database": kind.facts(), **measured, "times_as_much": times}
    json.dump(report, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growing", description=__doc__)
    parser.add_argument("--sizes", default="100000,1000000", help="messages, with a comma between them")
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _measure(kind: Kind, size: int, recipients: int, home: Path) -> Figures:
    day = Grown(kind.name, size, recipients, datetime.now(UTC))
    figures: Figures = {"load_before": os.getloadavg()[0]}
    with kind.fresh() as url:
        processor, database = Processor(url), Database(url)
        grown.fill_day(url, day)
        written = sizing.Written(database)
        with processor.spent() as spent:
            grown.fill_oops(database, day)
        figures["fill"] = {
            "messages": day.oops,
            "ms_per_1000": round(1e6 * spent.processor / day.oops, 1),
            "per_second_by_clock": round(day.oops / spent.clock),
            "log_bytes_each": written.bytes_since() // day.oops,
        }
        grown.settle(database, day.now)
        database.close()  # SQLite puts everything into its file then
        figures["bytes_each"] = sizing.bytes_each(url, day.messages)
        _say(kind, size, figures)
        settings = Settings(
            database_url=url, app_key="dingapp", app_secret=SecretStr("a-long-secret"), spool_dir=home / "spool"
        )
        with Ledger(settings) as book:
            for name, step in (("record", working.record), ("look", looking.look), ("recall", working.recall)):
                figures[name] = step(book, url, day, processor)
                _say(kind, size, figures[name])
        figures["purge"] = working.purge(url, day, processor)
        _say(kind, size, figures["purge"])
    return figures | {"load_after": os.getloadavg()[0]}


def _times(small: Mapping[str, Any], large: Mapping[str, Any]) -> Figures:
    """Return how many times as much of the processor each takes in the larger ledger."""
    found: Figures = {}
    for name, value in small.items():
        if isinstance(value, Mapping):
            found |= {f"{name}: {deeper}": times for deeper, times in _times(value, large[name]).items()}
        elif "ms" in name.split("_") and value:
            found[name] = round(large[name] / value, 2)
    return found


def _say(kind: Kind, size: int, figures: Figures) -> None:
    sys.stderr.write(f"{kind.name}, {size}: {json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
