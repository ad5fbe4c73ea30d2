"""A pretend DingTalk in a process of its own, and what it has seen."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

RECALL_PATH = "/v1.0/robot/otoMessages/batchRecall"
SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The recall calls that DingTalk has seen, oldest first, and the most of them in any one second."""

    moments: Sequence[datetime]
    statuses: Sequence[int]
    busiest_second: int

    @property
    def refused_for_rate(self) -> int:
        """How many came too soon."""
        return self.statuses.count(403)

    def calls_per_second(self) -> float:
        """Return the rate over the whole run."""
        return _rate(self.moments)

    def middle_calls_per_second(self) -> float:
        """Return the rate without the first and the last tenth of the calls."""
        tenth = len(self.moments) // 10
        return _rate(self.moments[tenth : len(self.moments) - tenth])


def _rate(moments: Sequence[datetime]) -> float:
    seconds = (moments[-1] - moments[0]).total_seconds() if moments else 0.0
    return (len(moments) - 1) / seconds if seconds else float("nan")


class PretendDingTalk:
    """Runs from the start of a with block to its end."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "ledger", "simulator", "--port", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate()

    def start_over(self, *, calls_per_second: int, latency_seconds: float) -> None:
        """Forget everything, and behave so from now on."""
        self._ask("POST", "reset")
        self._ask(
            "POST",
            "behaviour",
            calls_per_second=calls_per_second,
            latency_seconds=latency_seconds,
            monthly_quota=None,
            ban_after_calls=None,
        )

    def make_keys(self, count: int, robot: str) -> list[str]:
        """Make messages up that were sent now, and return their keys."""
        keys: list[str] = self._ask("POST", "messages", count=count, robotCode=robot)["keys"]
        return keys

    def seen(self) -> Seen:
        """Return the recall calls so far."""
        answer = self._ask("GET", f"calls?path={RECALL_PATH}")
        return Seen(
            moments=[datetime.fromisoformat(call["at"]) for call in answer["calls"]],
            statuses=[call["status"] for call in answer["calls"]],
            busiest_second=answer["busiest_second"].get(RECALL_PATH, 0),
        )

    def recalled(self) -> int:
        """Return how many messages are recalled by now."""
        return int(self._ask("GET", "messages?limit=0")["recalled"])

    def first_call(self, patience_seconds: float) -> datetime:
        """Wait for the first recall call and return when it came."""
        until = time.monotonic() + patience_seconds
        while RECALL_PATH not in self._ask("GET", "calls?limit=0")["by_path"]:
            if time.monotonic() > until:
                raise TimeoutError(f"no call came within {patience_seconds:.0f} seconds")
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return self.seen().moments[0]

    def _ask(self, method: str, door: str, **fields: object) -> Any:
        body = json.dumps(fields).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/_simulator/{door}", body, method=method)  # noqa: S310  (our own)
        with urllib.request.urlopen(request) as answer:  # noqa: S310  (our own)
            return json.load(answer)
