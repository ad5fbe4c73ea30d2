"""Several processes at work at once: they share the rate, and no key is asked twice."""

from collections.abc import Sequence
from datetime import timedelta

from ledger.simulator import Call
from tests.processes.conftest import MakeStage, ended

RATE = 20
SECOND = timedelta(seconds=1)


def busiest_second(calls: Sequence[Call]) -> int:
    """Return the most calls that any window of one second has seen; two a second apart share none."""
    moments = [call.at for call in calls]
    return max(sum(start <= moment < start + SECOND for moment in moments) for start in moments)


def share_of_rate(calls: Sequence[Call]) -> float:
    """Return how much of the allowed rate was used over the middle of a run."""
    middle = calls[len(calls) // 10 : -len(calls) // 10]
    return (len(middle) - 1) / (middle[-1].at - middle[0].at).total_seconds() / RATE


def test_three_processes_never_pass_the_limit_together_and_use_nearly_all_of_it(make_stage: MakeStage) -> None:
    stage = make_stage(calls_per_second=RATE, latency_seconds=0.05)
    campaigns = ("spring", "summer", "autumn")
    for campaign in campaigns:
        stage.send(400, campaign)
    processes = [stage.recall(campaign, calls_per_second=RATE) for campaign in campaigns]

    assert [ended(process) for process in processes] == [0, 0, 0]
    calls = stage.calls()
    assert len(calls) == 60
    assert {call.status for call in calls} == {200}
    assert busiest_second(calls) <= RATE
    assert share_of_rate(calls) >= 0.85
    assert stage.asked_again() == 0


def test_a_recall_that_two_processes_run_at_once_asks_no_key_twice(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.02)
    keys = stage.send(2000)
    first = stage.recall(calls_per_second=50)
    stage.wait_for_calls(5, first)
    second = stage.start("resume", "1", calls_per_second=50)

    assert (ended(first), ended(second)) == (0, 0)
    assert len(stage.calls()) == len(keys) // 20
    assert stage.asked_again() == 0
    assert all(message.recalled_at for message in stage.world.messages())
