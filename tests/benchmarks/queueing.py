"""What the database costs per call: the milliseconds in claim and settle, with a DingTalk that answers at once.

The clock is turned by hand: each look at the queue comes 50 ms after the one before, as in a run at the given rate.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from statistics import median

from ledger.app import Ledger
from ledger.clock import FakeClock
from ledger.core.answer import Answer
from ledger.core.recording.message import AppName
from ledger.services.recalls.running.claimer import Claimer
from ledger.services.recalls.running.settler import Settler
from ledger.settings import Settings
from ledger.store.recalls.calls import Call

BETWEEN_LOOKS = timedelta(milliseconds=50)
IN_FLIGHT = 200
APPS = frozenset([AppName("default")])
Figures = dict[str, float]


def measure(url: str, *, campaign: str, calls_per_second: float) -> Figures:
    """Recall a campaign and return the medians over all its calls, and over its first and its last tenth."""
    with Ledger(Settings(database_url=url)) as book:
        plan = book.plan(campaign=campaign, reason="to see what it costs", actor="benchmark")
        book.parts.lifecycle.start(plan.recall_id)
        # Copied beside the calls in an ordinary run; here nobody else would.
        book.parts.freezer.finish(plan.recall_id)
    return work_off(url, calls_per_second=calls_per_second)


def work_off(url: str, *, calls_per_second: float, most_turns: int | None = None) -> Figures:
    """Answer all calls of what was started, or those of so many turns, and return the medians."""
    clock = FakeClock(datetime.now(UTC))
    settings = Settings(database_url=url, calls_per_second=calls_per_second)
    with Ledger(settings, clock=clock) as book:
        claimer = Claimer(book.parts.database, clock, book.parts.pace_clock, settings, "benchmark")
        settler = Settler(book.parts.database, clock, book.parts.pace_clock, Random(7))  # noqa: S311  (no secret)
        work = _Work(claimer, settler, clock)
        return _figures(list(islice(iter(work.turn, None), most_turns)))


class _Work:
    def __init__(self, claimer: Claimer, settler: Settler, clock: FakeClock) -> None:
        self._claimer, self._settler, self._clock = claimer, settler, clock

    def turn(self) -> tuple[float, float, int] | None:
        """Return the milliseconds of one claim and of its settlement, and of how many calls; None at the end."""
        self._clock.advance(BETWEEN_LOOKS)
        started = time.perf_counter()
        claim = self._claimer.claim(APPS, IN_FLIGHT)
        claimed = time.perf_counter()
        self._settler.settle([(call, _answer(call), self._clock.now()) for call in claim.calls])
        settled = time.perf_counter()
        if not claim.going_on:
            return None
        return (claimed - started) * 1000, (settled - claimed) * 1000, len(claim.calls)


def _answer(call: Call) -> Answer:
    keys = [item.process_query_key for item in call.items]
    body = {"successResult": keys, "failedResult": {}}
    return Answer(status=200, body=body, text="", request_id="made-up", server_time=None)


def _figures(costs: Sequence[tuple[float, float, int]]) -> Figures:
    costs = [cost for cost in costs if cost[2]]
    tenth = max(1, len(costs) // 10)
    each = [(claim + settle) / calls for claim, settle, calls in costs]
    return {
        "calls": sum(calls for *_, calls in costs),
        "claim_ms": median(claim / calls for claim, _, calls in costs),
        "settle_ms": median(settle / calls for _, settle, calls in costs),
        "per_call_ms": median(each),
        "per_call_ms_first_tenth": median(each[:tenth]),
        "per_call_ms_last_tenth": median(each[-tenth:]),
    }
