"""Run many days, `python -m tests.world --seeds 5000 --from 1`, or replay one, `python -m tests.world --seed 7 -v`."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import PostgreSQL, postgresql_server
from tests.world.databases import Files, Makes
from tests.world.day import Day


def main() -> int:
    """Run what the arguments say; 1 when a day failed."""
    for name in [name for name in os.environ if name.startswith("LEDGER_")]:
        del os.environ[name]
    wanted = _arguments()
    with _databases(wanted.database) as databases:
        if wanted.seed is not None:
            return int(not _passes(wanted.seed, databases, aloud=wanted.verbose))
        return int(bool(_many(range(wanted.first, wanted.first + wanted.seeds), databases)))


def _many(seeds: range, databases: Makes) -> list[int]:
    failed, started = [], time.perf_counter()
    for done, seed in enumerate(seeds, start=1):
        if not _passes(seed, databases, aloud=False):
            failed.append(seed)
        if sys.stderr.isatty() or done % 100 == 0 or done == len(seeds):
            rate = done / (time.perf_counter() - started)
            end = "\r" if sys.stderr.isatty() and done < len(seeds) else "\n"
            sys.stderr.write(f"{done} of {len(seeds)} days, {rate:.1f} days/s, failed: {failed or 'none'}  {end}")
    return failed


def _passes(seed: int, databases: Makes, *, aloud: bool) -> bool:
    with databases.fresh():
        try:
            Day(seed, databases, aloud=aloud).run()
        except Exception as error:
            lines = traceback.format_exc() if aloud or not isinstance(error, AssertionError) else f"{error}\n"
            sys.stderr.write(f"\nseed {seed}: {lines}")
            return False
    return True


@contextmanager
def _databases(kind: str) -> Iterator[Makes]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield Files(Path(folder))
        return
    from tests.world.databases import Servers

    with postgresql_server() as url:
        yield Servers(PostgreSQL(url))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many days")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="one day only")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what happens, step by step")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
