"""Workers that are killed around the moment of a recall that was set in advance, or at which messages vanish."""

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from ledger.clock import format_time
from ledger.core.recalls.recall import Outcome, Status
from tests.processes.conftest import ROBOT, MakeStage, kill, wait_until
from tests.processes.test_killed_recalls import FAST, IN_FLIGHT, KEYS_PER_CALL, assert_all_recalled_once, status
from tests.sending import row

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


def test_killed_over_what_vanishes_by_itself_workers_recall_it_once_and_lose_nothing(make_stage: MakeStage) -> None:
    stage, moments, kills = make_stage(latency_seconds=0.005), random.Random(5), 0  # noqa: S311  (no secret)
    sent_at = datetime.now(UTC) - timedelta(hours=1)
    keys = stage.world.make_messages(KEYS, robot_code=ROBOT, sent_at=sent_at)
    vanishes_at = datetime.now(UTC) + timedelta(seconds=1)
    with stage.book() as book:
        rows = [row(key, sent_at, robot=ROBOT) | {"expiresAt": format_time(vanishes_at)} for key in keys]
        assert book.record_many(rows).recorded == KEYS
    workers = [stage.start("worker", **FAST) for _ in range(2)]
    wait_until(lambda: datetime.now(UTC) >= vanishes_at)
    while not all(message.recalled_at for message in stage.world.messages()):
        time.sleep(moments.uniform(0, 0.6))
        if kills < 4:
            kill(workers.pop(0))
            kills += 1
            workers.append(stage.start("worker", **FAST))

    with stage.book() as book:
        wait_until(lambda: all(one.status is not Status.RUNNING for one in book.recalls()))
        items = list(book.history(campaign="spring"))
        assert Counter(item.process_query_key for item in items) == Counter(keys)
        assert {(item.outcome, item.actor) for item in items} == {(Outcome.RECALLED, "expiry")}
        assert book.campaigns()[0].expiring == 0
        assert book.parts.audit_verifier.run_once().ok
    assert stage.asked_again() <= kills * IN_FLIGHT * KEYS_PER_CALL
