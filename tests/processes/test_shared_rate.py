"""Several processes at work at once: they share the rate, and no key is asked twice.

How much of the rate they use is measured by `tests.benchmarks.recalling`: here other tests run beside them.
"""

from collections.abc import Sequence
from datetime import timedelta

from ledger.simulator import Call
from tests.processes.conftest import MakeStage, ended

RATE = 20
# What leaves in time arrives when the machine lets it: on a crowded one, calls of neighbouring slots fall together.
LATE = 3
SECOND = timedelta(seconds=1)


def busiest_second(calls: Sequence[Call]) -> int:
    """Return the most calls that any window of one second has seen; two a second apart share none."""
    moments = [call.at for call in calls]
    return max(sum(start <= moment < start + SECOND for moment in moments) for start in moments)


def test_three_processes_never_pass_the_limit_together(make_stage: MakeStage) -> None:
    stage = make_stage(calls_per_second=RATE + LATE, latency_seconds=0.05)
    campaigns = ("spring", "summer", "autumn")
    for campaign in campaigns:
        stage.send(400, campaign)
    processes = [stage.recall(campaign, calls_per_second=RATE) for campaign in campaigns]

    assert [ended(process) for process in processes] == [0, 0, 0]
    calls = stage.calls()
    # The fewest possible, but that a process which is held up beyond its slot gives its call back.
    assert 60 <= len(calls) <= 62
    assert {call.status for call in calls} == {200}
    assert busiest_second(calls) <= RATE + LATE
    assert stage.asked_again() == 0


def test_a_recall_that_two_processes_run_at_once_asks_no_key_twice(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.02)
    keys = stage.send(2000)
    first = stage.recall(calls_per_second=15)
    stage.wait_for_calls(5, first)
    second = stage.start("resume", "1", calls_per_second=15)

    assert (ended(first), ended(second)) == (0, 0)
    assert len(stage.calls()) == len(keys) // 20
    assert stage.asked_again() == 0
    assert all(message.recalled_at for message in stage.world.messages())
