"""Services as processes: several on one database, killed in the middle of a recall, and told to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.core.recalls.recall import Result, Status
from ledger.simulator import ScriptedAnswer
from tests.processes.conftest import MakeStage, Stage, ended, kill, wait_until
from tests.sending import row

SERVE = ("serve", "--port", "0")
IN_FLIGHT = 8
FAST: dict[str, Any] = {"calls_per_second": 100, "calls_in_flight": IN_FLIGHT}
INTERRUPTED = 130


@contextmanager
def watched(stage: Stage) -> Iterator[Ledger]:
    with stage.book() as book:
        yield book


def begin(book: Ledger, campaign: str = "spring") -> int:
    """Let a recall run, by whichever worker there is."""
    number = book.plan(campaign=campaign, reason="wrong link", actor="tester").recall_id
    book.parts.lifecycle.start(number)
    return number


def newest(book: Ledger) -> Result:
    return book.recalls(limit=1)[0]


def test_what_one_service_began_another_finishes_when_it_is_killed(make_stage: MakeStage) -> None:
    stage = make_stage(latency_seconds=0.05)
    keys = stage.send(2000)
    first = stage.start(*SERVE, **FAST)
    with watched(stage) as book:
        begin(book)
        stage.wait_for_calls(20, first)
        second = stage.start(*SERVE, **FAST)
        kill(first)
        wait_until(lambda: newest(book).status is Status.FINISHED)
        assert (newest(book).recalled, book.verify().ok) == (len(keys), True)
    assert second.poll() is None
    assert stage.asked_again() <= IN_FLIGHT * 20
    assert all(message.recalled_at for message in stage.world.messages())


def test_two_services_do_each_chore_once(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.send(40)
    with watched(stage) as book:
        book.run(book.plan(campaign="spring", reason="wrong link", actor="tester"))
        book.parts.sticky.stick(1, 3600, actor="tester")
        both = [stage.start(*SERVE, **FAST) for _ in range(2)]
        wait_until(lambda: book.parts.lacks() == {})
        sent_at = datetime.now(UTC) - timedelta(hours=1)
        late = stage.world.make_messages(60, robot_code="robot-1", sent_at=sent_at)
        book.record_many([row(key, sent_at, campaign="spring") for key in late])
        wait_until(lambda: sum(one.recalled for one in book.recalls()) == 100)
        followers = [one for one in book.recalls() if one.follows == 1]
        assert sorted(one.recalled for one in followers) == [60]
        assert book.verify().ok
    assert stage.asked_again() == 0
    for process in both:
        process.send_signal(signal.SIGTERM)
    assert [ended(process) for process in both] == [0, 0]


@pytest.mark.parametrize("command", [SERVE, ("worker",)])
def test_told_to_stop_in_the_middle_of_a_recall_it_waits_for_its_answers(
    make_stage: MakeStage, command: tuple[str, ...]
) -> None:
    stage = make_stage(latency_seconds=0.4)
    stage.send(1000)
    process = stage.start(*command, calls_per_second=20)
    with watched(stage) as book:
        number = begin(book)
        stage.wait_for_calls(3, process)
        process.send_signal(signal.SIGTERM)
        assert ended(process) == 0
        report = book.show(number)
        assert (report.result.status, report.result.pending > 0) == (Status.RUNNING, True)
        assert [call["verdict"] for call in report.calls] == ["answered"] * len(report.calls)
        gone = sum(bool(message.recalled_at) for message in stage.world.messages())
        assert report.result.recalled == gone


@pytest.mark.parametrize("command", [SERVE, ("worker",)])
def test_ctrl_c_twice_does_not_wait(make_stage: MakeStage, command: tuple[str, ...]) -> None:
    stage = make_stage()
    stage.send(20)
    stage.world.script(ScriptedAnswer(path="/v1.0/robot/otoMessages/batchRecall", delay_seconds=50))
    process = stage.start(*command, http_timeout_seconds=60)

    def has_left_when_pressed_again() -> bool:
        # The second may come before the first was taken, and is then the first.
        process.send_signal(signal.SIGINT)
        return process.poll() is not None

    with watched(stage) as book:
        number = begin(book)
        wait_until(lambda: len(book.show(number).calls) == 1)
        wait_until(has_left_when_pressed_again)
    assert ended(process) == INTERRUPTED
