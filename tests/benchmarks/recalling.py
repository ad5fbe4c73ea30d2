"""How fast recalls go, what they spend, and what the database costs them, on each database: JSON on stdout.

`python -m tests.benchmarks.recalling [--quick] [--databases sqlite,postgresql] [--parts speed,start,queue]`

Beside it, in the same run, the loop that people write with the official SDK (`pip install alibabacloud_dingtalk`).
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import machine, queueing
from .databases import KINDS, Kind
from .distance import far_away
from .filling import fill, made_up
from .pretending import PretendDingTalk
from .workload import ROBOT

KEYS_PER_CALL = 20
ORDINARY_IN_FLIGHT = 16
# Slots are claimed so far ahead, and count as in flight from then on.
CLAIMED_AHEAD_SECONDS = 0.15
PATIENCE_SECONDS = 600.0
RATES_AND_SECONDS = ((20, 12), (60, 8), (500, 8))
LATENCIES_SECONDS = (0.05, 0.2)
PROCESSES = (1, 3)
# As to DingTalk over TLS, from near and from farther away.
CONNECTING_SECONDS = (0.03, 0.12)
SELECTED = (1_000, 100_000, 1_000_000)
HELD = (10_000, 100_000, 1_000_000)
# One call a transaction, and some two dozen.
QUEUE_RATES = (20, 500)
MEASURED_CALLS = 300
LONG_RECALL = 100_000
OFFICIAL_CALLS = 240

Figures = dict[str, Any]


def main() -> None:
    """Measure everything in one run."""
    options = _options()
    report: Figures = {
        "machine": machine.facts(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipients": options.recipients,
        "official_sdk": {},
        "databases": {},
    }
    parts = options.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-", dir=options.folder) as folder:
        if "speed" in parts:
            report["official_sdk"] = _official(options.quick)
        for name in options.databases.split(","):
            home = Path(folder) / name
            home.mkdir()
            report["databases"][name] = _measure(KINDS[name](home), parts, options)
    json.dump(report, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recalling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs, and nothing with a million messages")
    parser.add_argument("--databases", default="sqlite,postgresql", help="names with a comma between them")
    parser.add_argument("--parts", default="speed,start,queue", help="what to measure, with a comma between")
    parser.add_argument("--recipients", type=int, default=20, help="of each message, where only the database matters")
    parser.add_argument("--folder", help="where the databases live meanwhile; the disk matters")
    return parser.parse_args()


def _measure(kind: Kind, parts: Sequence[str], options: argparse.Namespace) -> Figures:
    figures: Figures = {"database": kind.facts()}
    with ExitStack() as stack:
        dingtalk = stack.enter_context(PretendDingTalk())
        if "speed" in parts:
            figures["speed"] = [
                _speed(kind, dingtalk, rate, seconds, latency, processes)
                for processes in PROCESSES
                for latency in LATENCIES_SECONDS
                for rate, seconds in _shortened(options.quick)
            ]
            figures["far_away"] = [
                _speed(kind, dingtalk, rate, seconds, latency, 1, connecting)
                for connecting in CONNECTING_SECONDS
                for latency in LATENCIES_SECONDS
                for rate, seconds in _shortened(options.quick)[:1]
            ]
        if "start" in parts:
            figures["start"] = [
                _start(kind, dingtalk, messages, options.recipients)
                for messages in SELECTED[: 2 if options.quick else None]
            ]
        if "queue" in parts:
            figures["queue"] = _queue(kind, options)
    return figures


def _shortened(quick: bool) -> Sequence[tuple[int, int]]:
    return [(rate, max(3, seconds // 3) if quick else seconds) for rate, seconds in RATES_AND_SECONDS]


def _speed(
    kind: Kind,
    dingtalk: PretendDingTalk,
    rate: int,
    seconds: int,
    latency_seconds: float,
    processes: int,
    connecting_seconds: float = 0.0,
) -> Figures:
    """Run as many recalls at once as there are processes, which together keep one limit."""
    dingtalk.start_over(calls_per_second=rate, latency_seconds=latency_seconds)
    in_flight = _in_flight(rate, latency_seconds)
    settings = {"calls_per_second": rate, "calls_in_flight": in_flight}
    each = rate * seconds // processes * KEYS_PER_CALL
    with kind.fresh() as url, far_away(dingtalk.url, connecting_seconds) as endpoint, ExitStack() as stack:
        children = []
        for number in range(processes):
            fill(url, dingtalk.make_keys(each, ROBOT), campaign=f"campaign-{number}")
            child = _child(url, endpoint, f"campaign-{number}", settings)
            children.append(stack.enter_context(child))
        plans = [child.next() for child in children]
        for child in children:
            child.go()
        confirmed = [child.next() for child in children]
        results = [child.next() for child in children]
        seen, recalled = dingtalk.seen(), dingtalk.recalled()
    whole, middle = seen.calls_per_second(), seen.middle_calls_per_second()
    return _said(
        kind,
        {
            "limit": rate,
            "latency_ms": round(latency_seconds * 1000),
            "connecting_ms": round(connecting_seconds * 1000),
            "processes": processes,
            "calls_in_flight": in_flight,
            "calls_per_second": round(whole, 2),
            "percent_of_limit": round(100 * whole / rate, 1),
            "percent_of_limit_in_the_middle": round(100 * middle / rate, 1),
            "keys_per_second": round(recalled / max(result["seconds"] for result in results), 1),
            "keys_recalled": recalled,
            "keys_planned": sum(plan["eligible"] for plan in plans),
            "calls": len(seen.moments),
            "fewest_possible_calls": processes * math.ceil(each / KEYS_PER_CALL),
            "refused_for_rate": seen.refused_for_rate,
            "busiest_second": seen.busiest_second,
            "first_call_seconds": round(seen.moments[0].timestamp() - confirmed[0]["confirmed_at"], 3),
            "cpu_ms_per_call": round(1000 * sum(one["cpu_seconds"] for one in results) / len(seen.moments), 2),
        },
    )


def _in_flight(rate: float, latency_seconds: float) -> int:
    """Return the setting that the rate needs: the ordinary one, unless latency times rate is more."""
    needed = math.ceil(rate * (latency_seconds + CLAIMED_AHEAD_SECONDS) * 1.25)
    return max(ORDINARY_IN_FLIGHT, needed)


def _start(kind: Kind, dingtalk: PretendDingTalk, messages: int, recipients: int) -> Figures:
    """Plan a recall of so many messages, confirm it, and stop at its first call."""
    dingtalk.start_over(calls_per_second=20, latency_seconds=0.05)
    with kind.fresh() as url:
        fill(url, made_up("oops", messages), campaign="oops", recipients=recipients)
        with _child(url, dingtalk.url, "oops", {}) as child:
            plan = child.next()
            child.go()
            confirmed_at = child.next()["confirmed_at"]
            first = dingtalk.first_call(PATIENCE_SECONDS)
    figures = {
        "selected": messages,
        "plan_seconds": round(plan["plan_seconds"], 3),
        "confirm_to_first_call_seconds": round(first.timestamp() - confirmed_at, 3),
    }
    return _said(kind, figures)


def _queue(kind: Kind, options: argparse.Namespace) -> Figures:
    """Measure claim and settle as the ledger grows, and as a long recall proceeds."""
    figures: Figures = {"as_the_ledger_grows": [], "as_a_recall_proceeds": []}
    with kind.fresh() as url:
        held = 0
        for messages in HELD[: 2 if options.quick else None]:
            fill(url, made_up(f"other-{messages}", messages - held), campaign="other", recipients=options.recipients)
            held = messages
            for rate in QUEUE_RATES:
                campaign = f"ours-{messages}-{rate}"
                fill(url, made_up(campaign, MEASURED_CALLS * KEYS_PER_CALL), campaign=campaign)
                measured = queueing.measure(url, campaign=campaign, calls_per_second=rate)
                line = {"messages": messages, "rate": rate, **_rounded(measured)}
                figures["as_the_ledger_grows"].append(_said(kind, line))
    items = LONG_RECALL // 5 if options.quick else LONG_RECALL
    for rate in QUEUE_RATES:
        with kind.fresh() as url:
            fill(url, made_up("long", items), campaign="long", recipients=options.recipients)
            measured = queueing.measure(url, campaign="long", calls_per_second=rate)
        figures["as_a_recall_proceeds"].append(_said(kind, {"items": items, "rate": rate, **_rounded(measured)}))
    return figures


def _rounded(figures: Mapping[str, float]) -> Figures:
    return {name: round(value, 2) for name, value in figures.items()}


def _official(quick: bool) -> list[Figures]:
    """Run the SDK's loop at each latency, with the limit that an app has without paying."""
    lines = []
    with PretendDingTalk() as dingtalk:
        for latency in LATENCIES_SECONDS:
            dingtalk.start_over(calls_per_second=20, latency_seconds=latency)
            keys = dingtalk.make_keys((OFFICIAL_CALLS // 3 if quick else OFFICIAL_CALLS) * KEYS_PER_CALL, ROBOT)
            command = [sys.executable, "-m", "tests.benchmarks.official", dingtalk.url.partition("//")[2], ROBOT]
            done = subprocess.run(command, input="\n".join(keys), check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout)
            if "missing" not in figures:
                seen = dingtalk.seen()
                figures["calls_per_second"] = round(seen.calls_per_second(), 2)
                figures["keys_per_second"] = round(figures["keys_recalled"] / figures.pop("seconds"), 1)
                figures |= {"refused_for_rate": seen.refused_for_rate, "busiest_second": seen.busiest_second}
            lines.append({"limit": 20, "latency_ms": round(latency * 1000), "keys": len(keys), **figures})
            sys.stderr.write(f"official SDK: {lines[-1]}\n")
    return lines


class _Child:
    """A process that runs one recall and tells about it line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def next(self) -> Figures:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a recall ended before its time; what it said stands above")
        figures: Figures = json.loads(line)
        return figures

    def go(self) -> None:
        """Confirm its plan."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()


@contextmanager
def _child(url: str, api_url: str, campaign: str, settings: Mapping[str, object]) -> Any:
    """Start a process with a recall of its own; end it when the block is left."""
    ours = {
        "database_url": url,
        "api_url": api_url,
        "app_key": "dingapp",
        "app_secret": "a-long-secret",
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.running", campaign],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **{f"LEDGER_{name.upper()}": str(value) for name, value in ours.items()}},
    )
    try:
        yield _Child(process)
    finally:
        process.kill()
        process.communicate()


def _said(kind: Kind, figures: Figures) -> Figures:
    sys.stderr.write(f"{kind.name}: {json.dumps(figures)}\n")
    return figures


if __name__ == "__main__":
    main()
