"""What of a recall's time was work, from what was done with it and from its calls."""

from datetime import timedelta

import pytest

from ledger.core.recalls.course import IDLE, CallsOfSecond, Run, runs_of, working_seconds
from tests.core.values import NOW

SECOND = timedelta(seconds=1)


def calls(*at: float, took: float = 0.0) -> list[CallsOfSecond]:
    return [CallsOfSecond(second=NOW + one * SECOND, calls=1, answered_at=NOW + (one + took) * SECOND) for one in at]


def run(since: float, until: float | None) -> Run:
    return Run(since=NOW + since * SECOND, until=None if until is None else NOW + until * SECOND)


def test_a_recall_runs_from_each_start_to_the_next_stop_whatever_else_is_done_meanwhile() -> None:
    done = [
        (0, "planned"), (10, "started"), (12, "sticky"), (20, "paused"), (25, "paused"),
        (100, "resumed"), (130, "finished"), (140, "verified"), (200, "retried"),
    ]  # fmt: skip
    assert runs_of([(NOW + at * SECOND, event) for at, event in done]) == [run(10, 20), run(100, 130), run(200, None)]


@pytest.mark.parametrize(
    ("runs", "made", "seconds"),
    [
        ([run(0, 5)], calls(0, 1, 2, 3, 4), 5),
        ([run(0, 5), run(3600, 3605)], calls(1, 4, 3601), 10),
        ([run(0, 3600)], calls(1, 2, 3598), 4 - 2 + 2),
        ([run(0, 60)], calls(0, took=50), 60),
        ([run(0, None)], calls(0, 8), 17),
        ([run(0, None)], calls(0), 0),
        ([run(0, 3600)], [], 0),
        ([], calls(0, 1), 0),
    ],
    ids=[
        "work without a break",
        "a pause is no work",
        "a wait in which nothing is asked is no work",
        "to wait for an answer is work",
        "what goes on lasts until now",
        "what stands still now is no work",
        "without a worker nothing is",
        "what never ran was not worked at",
    ],
)
def test_pauses_and_waits_are_no_work(runs: list[Run], made: list[CallsOfSecond], seconds: float) -> None:
    assert working_seconds(runs, made, NOW + 17 * SECOND) == pytest.approx(seconds)


def test_what_is_just_short_enough_still_counts() -> None:
    seconds = IDLE.total_seconds()
    assert working_seconds([run(0, 2 * seconds)], calls(seconds), NOW) == pytest.approx(2 * seconds)
    assert working_seconds([run(0, 2 * seconds + 1)], calls(seconds), NOW) == pytest.approx(seconds)


def test_a_clock_that_was_set_back_never_makes_less_than_nothing() -> None:
    assert working_seconds([run(10, None)], calls(12, 11), NOW + 5 * SECOND) == 0
