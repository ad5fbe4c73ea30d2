"""How fast messages come in and go out, on each database, beside the driver's own bulk insert: JSON on stdout.

`python -m tests.benchmarks.recording [--messages 100000] [--recipients 20] [--databases sqlite,postgresql]`
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from ledger.app import Ledger
from ledger.settings import Settings

from . import ceilings, machine, purging
from .databases import KINDS, Kind
from .workload import Workload

Figures = dict[str, float]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    workload = Workload(options.messages, options.recipients, datetime.now(UTC))
    report: dict[str, Any] = {
        "machine": machine.facts(),
        "load_average_before": os.getloadavg(),
        "messages": workload.messages,
        "recipients": workload.recipients,
        "repeats": options.repeats,
        "import_milliseconds": machine.import_milliseconds(),
        "databases": {},
    }
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        file = Path(folder) / "messages.jsonl"
        workload.write_jsonl(file)
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            report["databases"][name] = _measure(KINDS[name](home), workload, file, options.repeats)
    report["load_average_after"] = os.getloadavg()
    json.dump(report, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recording", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--recipients", type=int, default=20)
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--repeats", type=int, default=3, help="every figure is the median of so many")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _measure(kind: Kind, workload: Workload, file: Path, repeats: int) -> dict[str, Any]:
    """Measure one database; the repeats take turns, so that a slow minute of the machine falls on all alike."""
    runs: dict[str, list[Figures]] = defaultdict(list)
    values = ceilings.VALUES[kind.name](workload)
    for number in range(1, repeats + 1):
        for way, (insert, size) in ceilings.WAYS[kind.name].items():
            with kind.fresh() as url:
                speed = ceilings.measure(url, insert, values, size)
            runs[way].append({"messages_per_second": speed})
            _say(kind, number, way, runs)
        with ExitStack() as stack:
            imported, recorded = (stack.enter_context(kind.fresh()) for _ in range(2))
            steps: dict[str, Callable[[], Figures]] = {
                "import": lambda: _import(imported, file),  # noqa: B023  (called in this turn of the loop)
                "record_many": lambda: _record_many(recorded, workload),  # noqa: B023
                "purge": lambda: purging.measure(imported),  # noqa: B023
                "purge_with_sender": lambda: purging.measure_with_sender(recorded),  # noqa: B023
            }
            for name, step in steps.items():
                runs[name].append(step())
                _say(kind, number, name, runs)
    return {"database": kind.facts(), **_summary(kind, runs)}


def _import(url: str, file: Path) -> Figures:
    command = [sys.executable, "-m", "tests.benchmarks.importing", str(file), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    return {
        "messages_per_second": figures["messages"] / figures["seconds"],
        "peak_rss_mib": figures["peak_rss_mib"],
    }


def _record_many(url: str, workload: Workload) -> Figures:
    rows = list(workload.rows())
    with Ledger(Settings(database_url=url)) as book:
        book.campaigns()
        started = time.perf_counter()
        recorded = book.record_many(rows).recorded
        seconds = time.perf_counter() - started
    return {"messages_per_second": recorded / seconds}


def _summary(kind: Kind, runs: Mapping[str, list[Figures]]) -> dict[str, Any]:
    ways = ceilings.WAYS[kind.name]
    middle = {name: _medians(figures) for name, figures in runs.items()}
    speeds = {way: middle[way]["messages_per_second"] for way in ways}
    ceiling = {"messages_per_second": speeds, "runs": {way: _all(runs[way]) for way in ways}}
    ours: dict[str, Any] = {name: figures for name, figures in middle.items() if name not in ways}
    for name in ("import", "record_many"):
        ours[name]["runs"] = _all(runs[name])
        ours[name]["percent_of_ceiling"] = {way: _percent(runs[name], runs[way]) for way in ways}
    return {"ceiling": ceiling, **ours}


def _percent(ours: list[Figures], best: list[Figures]) -> float:
    """Compare within each repeat, because the machine may be slower in another."""
    pairs = zip(ours, best, strict=True)
    return round(100 * median(our["messages_per_second"] / top["messages_per_second"] for our, top in pairs), 1)


def _medians(runs: list[Figures]) -> dict[str, Any]:
    return {name: round(median(run[name] for run in runs), 2) for name in runs[0]}


def _all(runs: list[Figures]) -> list[int]:
    return [round(run["messages_per_second"]) for run in runs]


def _say(kind: Kind, number: int, name: str, runs: Mapping[str, list[Figures]]) -> None:
    figures = ", ".join(f"{what} {value:,.1f}" for what, value in runs[name][-1].items())
    sys.stderr.write(f"{kind.name} {number}: {name}: {figures}\n")


if __name__ == "__main__":
    main()
