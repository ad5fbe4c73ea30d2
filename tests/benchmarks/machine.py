"""The machine that was measured, and how long a fresh interpreter needs for our imports."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

REPEATS = 7
IMPORTS = ("import ledger", "from ledger import Ledger")


def facts() -> dict[str, str | int | None]:
    """Return what must be known to compare figures."""
    return {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def import_milliseconds() -> dict[str, float]:
    """Return the median milliseconds of each import in interpreters that have loaded nothing yet."""
    return {statement: median(_import_once(statement) for _ in range(REPEATS)) for statement in IMPORTS}


def _import_once(statement: str) -> float:
    code = f"import time; start = time.perf_counter(); {statement}; print((time.perf_counter() - start) * 1000)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
