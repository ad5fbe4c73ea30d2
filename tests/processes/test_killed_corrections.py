"""Corrections whose process is killed: nobody gets two, and whoever may have got one is named."""

import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.core.corrections.correction import CorrectionResult
from ledger.core.recalls.recall import Status
from tests.forked_command import ForkedCommand
from tests.processes.conftest import ROBOT, MakeStage, Stage, ended, kill, wait_until
from tests.sending import row

PEOPLE = [f"user-{number:03}" for number in range(400)]
PEOPLE_PER_CALL = 20
IN_FLIGHT = 8
FAST: dict[str, Any] = {"calls_per_second": 60, "calls_in_flight": IN_FLIGHT}
CORRECT = (
    "correct",
    "1",
    "--msg-key",
    "sampleText",
    "--msg-param",
    '{"content": "right"}',
    "--reason",
    "right",
    "--yes",
)
SENT = "/v1.0/robot/oToMessages/batchSend"


def recalled(stage: Stage) -> None:
    """Take one message for each 20 people back."""
    sent_at = datetime.now(UTC) - timedelta(hours=1)
    groups = [PEOPLE[start : start + PEOPLE_PER_CALL] for start in range(0, len(PEOPLE), PEOPLE_PER_CALL)]
    rows = []
    for users in groups:
        (key,) = stage.world.make_messages(1, robot_code=ROBOT, sent_at=sent_at, users=users)
        rows.append(row(key, sent_at, robot=ROBOT, users=users))
    with stage.book() as book:
        book.record_many(rows)
        assert book.run(book.plan(campaign="spring", reason="wrong link", actor="tester")).is_complete


def sends(stage: Stage) -> int:
    return len(stage.world.calls(SENT))


def killed_while_sending(stage: Stage, process: ForkedCommand, moments: random.Random) -> bool:
    """Kill a process soon after it has sent something; say whether it was still at work."""
    before = sends(stage)
    wait_until(lambda: sends(stage) > before or process.poll() is not None)
    time.sleep(moments.uniform(0, 0.08))
    was_at_work = process.poll() is None
    kill(process)
    return was_at_work


def standing(stage: Stage) -> CorrectionResult:
    with stage.book() as book:
        return book.parts.correction_reports.of_recall(1)[0]


def assert_everybody_once_and_nobody_lost(stage: Stage, kills: int) -> None:
    """Compare what DingTalk delivered with what the ledger says, person by person."""
    got = stage.world.received(msg_key="sampleText")
    assert max(got.values()) == 1, "nobody gets it twice"
    result = standing(stage)
    assert result.status is Status.FINISHED
    assert result.sent + result.unknown == len(PEOPLE) == result.people
    assert result.unknown <= kills * IN_FLIGHT * PEOPLE_PER_CALL
    assert result.sent <= len(got) <= result.sent + result.unknown
    with stage.book() as book:
        left_out = Counter(book.parts.correction_reports.left_out(1).values())
        assert left_out == Counter({"corrected": result.sent, "maybe_corrected": result.unknown})
        # Whatever went out has left a key, or a trace of one that never came.
        line = next(one for one in book.campaigns() if one.campaign == result.campaign)
        assert (line.messages + line.keyless) * PEOPLE_PER_CALL >= len(got)
        assert book.verify().ok


def test_killed_again_and_again_nobody_gets_it_twice_and_nobody_is_lost(make_stage: MakeStage) -> None:
    stage, moments, kills = make_stage(latency_seconds=0.02), random.Random(20), 0  # noqa: S311  (moments, no secret)
    recalled(stage)
    process = stage.start(*CORRECT, **FAST)
    while standing_of(stage) is not Status.FINISHED:
        kills += killed_while_sending(stage, process, moments)
        process = stage.start("resume", "1", **FAST)
    process.wait()
    assert kills >= 2
    assert_everybody_once_and_nobody_lost(stage, kills)


def standing_of(stage: Stage) -> Status | None:
    with stage.book() as book:
        found = book.parts.correction_reports.of_recall(1)
        return found[0].status if found else None


def test_a_worker_takes_over_what_a_killed_process_left(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.02)
    recalled(stage)
    process = stage.start(*CORRECT, **FAST)
    assert killed_while_sending(stage, process, random.Random(7))  # noqa: S311  (a moment, no secret)
    worker = stage.start("worker", **FAST)
    wait_until(lambda: standing_of(stage) is Status.FINISHED)
    kill(worker)
    assert_everybody_once_and_nobody_lost(stage, 1)


def test_two_at_once_send_it_to_nobody_twice(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.02)
    recalled(stage)
    both = [stage.start(*CORRECT, **FAST) for _ in range(2)]
    codes = sorted(ended(one) for one in both)
    # Whoever came second found another one under way, or nobody left.
    assert codes[0] == 0
    assert codes[1] in (2, 4)
    assert_everybody_once_and_nobody_lost(stage, 0)
