"""Counting for many who look again and again: nobody waits long, and nobody counts beside another."""

import threading

import pytest

from ledger.clock import FakeClock
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.campaigns.campaign import CampaignLine, no_messages
from ledger.core.recording.message import RobotCode
from ledger.errors import DatabaseUnavailableError
from ledger.services.reports import campaign_counts as counting
from ledger.services.reports.campaign_counts import CampaignCounts

OURS = Bounds(robots=frozenset({RobotCode("robot-1")}))


class Counter:
    """A count that takes as long as it is held up."""

    def __init__(self) -> None:
        self.asked: list[Bounds] = []
        self.may_end = threading.Event()
        self.may_end.set()
        self.error: Exception | None = None

    def __call__(self, bounds: Bounds) -> list[CampaignLine]:
        self.asked.append(bounds)
        assert self.may_end.wait(30)
        if self.error is not None:
            raise self.error
        return [no_messages(f"count {len(self.asked)}")]


def test_where_counting_is_quick_everybody_gets_what_is_true_now(clock: FakeClock) -> None:
    counter = Counter()
    counts = CampaignCounts(counter, clock)
    for number in (1, 2):
        count = counts.read()
        assert count is not None
        assert [line.campaign for line in count.lines] == [f"count {number}"]
    assert counts.read(OURS) is not None
    assert counter.asked == [EVERYTHING, EVERYTHING, OURS]


def test_while_the_first_count_takes_long_there_is_none_and_nobody_counts_beside_it(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PATIENCE_SECONDS", 0.01)
    counter = Counter()
    counter.may_end.clear()
    counts = CampaignCounts(counter, clock)
    assert counts.read() is None
    assert counts.read() is None
    assert len(counter.asked) == 1
    counter.may_end.set()


def test_where_counting_is_slow_the_last_count_is_good_for_a_while(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(counting, "LARGEST_SHARE", 1e-9)
    counter = Counter()
    counts = CampaignCounts(counter, clock)
    first, second = counts.read(), counts.read()
    assert first is not None
    assert first is second
    assert len(counter.asked) == 1


def test_a_count_that_fails_is_told_and_tried_again(clock: FakeClock) -> None:
    counter = Counter()
    counts = CampaignCounts(counter, clock)
    counter.error = DatabaseUnavailableError("away")
    with pytest.raises(DatabaseUnavailableError, match="away"):
        counts.read()
    counter.error = None
    assert counts.read() is not None
