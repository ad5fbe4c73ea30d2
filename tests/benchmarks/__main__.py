"""Every benchmark, one after the other, as one JSON document on stdout.

`python -m tests.benchmarks [--parts starting,recording,single]`

Each part is a command of its own as well, with options of its own. All of them take hours.
"""

import argparse
import json
import subprocess
import sys

PARTS = (
    *("starting", "recording", "single", "posting", "watching", "gateway"),
    *("planning", "recalling", "console", "growing", "verifying", "anchoring"),
)


def main() -> None:
    """Run the parts in processes of their own, so that none finds what another has left in memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure, with a comma between")
    report = {}
    for part in parser.parse_args().parts.split(","):
        sys.stderr.write(f"== {part}\n")
        done = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{part}"], stdout=subprocess.PIPE, check=True)
        report[part] = json.loads(done.stdout)
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
