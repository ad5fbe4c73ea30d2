"""One import of a file in a process of its own, which tells how long it took and how much memory: a child of the run.

`python -m tests.benchmarks.importing FILE DATABASE_URL`
"""

import json
import sys
import time
from pathlib import Path

from ledger.app import Ledger
from ledger.entrypoints.formats.lines import Format, read_lines
from ledger.services.recording.rows import Defaults
from ledger.settings import Settings


def main() -> None:
    """Import the file as `ledger import` does and print the figures as JSON."""
    path, url = sys.argv[1:]
    with Ledger(Settings(database_url=url)) as book, Path(path).open("rb") as file:
        started = time.perf_counter()
        *_, last = book.parts.recorder.import_lines(read_lines(file, Format.JSONL), Defaults())
        seconds = time.perf_counter() - started
    figures = {"messages": last.recorded, "seconds": seconds, "peak_rss_mib": _peak_rss_mib()}
    json.dump(figures, sys.stdout)


def _peak_rss_mib() -> float:
    """Return this process's own peak; getrusage would inherit that of the parent that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
