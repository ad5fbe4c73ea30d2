"""Workers that are killed around the moment of a recall that was set in advance."""

import random
import time
from datetime import UTC, datetime, timedelta

from ledger.core.recall import Status
from tests.processes.conftest import MakeStage, kill, wait_until
from tests.processes.test_killed_recalls import FAST, IN_FLIGHT, KEYS_PER_CALL, assert_all_recalled_once, status

KEYS = 800


def test_killed_around_its_moment_workers_start_it_once_and_lose_nothing(make_stage: MakeStage) -> None:
    stage, moments, kills = make_stage(latency_seconds=0.005), random.Random(3), 0  # noqa: S311  (no secret)
    keys = stage.send(KEYS)
    with stage.book() as book:
        plan = book.plan(campaign="spring", reason="the offer is over", actor="wang")
        run_at = datetime.now(UTC) + timedelta(seconds=1)
        book.parts.schedules.set(plan.recall_id, run_at, actor="wang")
    workers = [stage.start("worker", **FAST) for _ in range(2)]
    wait_until(lambda: datetime.now(UTC) >= run_at)
    while status(stage) is not Status.FINISHED:
        time.sleep(moments.uniform(0, 0.6))
        if kills < 4:
            kill(workers.pop(0))
            kills += 1
            workers.append(stage.start("worker", **FAST))

    assert min(call.at for call in stage.calls()) >= run_at
    assert_all_recalled_once(stage, keys)
    assert stage.asked_again() <= kills * IN_FLIGHT * KEYS_PER_CALL
    with stage.book() as book:
        acts = [entry["event"] for entry in book.show(1).timeline]
        assert (acts.count("scheduled"), acts.count("started")) == (1, 1)
