"""The question before a recall, on a real (pseudo-)terminal; and Ctrl-C during one."""

import os
import signal
import time

import pytest

from ledger.simulator import FailedReason, Simulator

from .conftest import Shell
from .terminal import on_terminal

RECALL = ("recall", "--reason", "typo", "--campaign", "spring")


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("n", 10), ("spring", 10)])
def test_one_message_needs_a_yes(shell: Shell, simulator: Simulator, answer: str, code: int) -> None:
    shell.send(simulator, 1, campaign="spring")
    ended = shell.typed(answer, *RECALL)
    assert "[y/N]" in ended.err
    assert ended.code == code
    assert ("1 of 1 recalled" in ended.out) == (code == 0)
    assert ("nothing was recalled" in ended.err) == (code == 10)


@pytest.mark.parametrize(("answers", "code"), [(["sprung", "spring"], 0), (["sprung", "sprang", "sprong"], 10)])
def test_a_slip_is_asked_about_again(shell: Shell, simulator: Simulator, answers: list[str], code: int) -> None:
    shell.send(simulator, 2, campaign="spring")
    with on_terminal(shell, *RECALL) as terminal:
        for asked, answer in zip(["Type spring or 2 to confirm:", *["leave it:"] * 2], answers, strict=False):
            terminal.wait_for(asked)
            terminal.type(answer)
        assert terminal.end() == code
    assert ("nothing was recalled" in terminal.shown) == (code == 10)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 10)])
def test_on_a_terminal_the_question_stands_where_one_types(
    shell: Shell, simulator: Simulator, answer: str, code: int
) -> None:
    shell.send(simulator, 1, campaign="spring")
    with on_terminal(shell, *RECALL) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type(answer)
        assert terminal.end() == code
    assert ("1 of 1 recalled" in terminal.shown) == (code == 0)
    assert ("nothing was recalled" in terminal.shown) == (code == 10)


@pytest.mark.parametrize(("answer", "code"), [("spring", 0), ("2", 0), ("y", 10), ("sprung", 10), ("", 10)])
def test_more_than_one_message_needs_the_name_of_their_campaign_or_their_number(
    shell: Shell, simulator: Simulator, answer: str, code: int
) -> None:
    shell.send(simulator, 2, campaign="spring", users=["a", "b"])
    ended = shell.typed(answer, *RECALL)
    assert "Really recall 2 messages of spring from 2 people?" in ended.err
    assert "Type spring or 2 to confirm:" in ended.err
    assert ended.code == code


def test_one_message_to_many_people_is_not_small(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring", users=[f"u{number}" for number in range(401)])
    with on_terminal(shell, *RECALL) as terminal:
        terminal.wait_for("Type spring or 1 to confirm:")
        terminal.type("spring")
        assert terminal.end() == 0


@pytest.mark.parametrize(("answer", "code"), [("zhang.san", 0), ("li.si", 10)])
def test_for_one_person_their_user_id_is_typed(shell: Shell, simulator: Simulator, answer: str, code: int) -> None:
    shell.send(simulator, 2, users=["zhang.san"])
    ended = shell.typed(answer, "recall", "--reason", "typo", "--user", "zhang.san")
    assert "Really recall 2 messages that reached zhang.san from 1 person?" in ended.err
    assert "Type zhang.san or 2 to confirm:" in ended.err
    assert ended.code == code


def test_the_end_of_input_is_a_no(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring")
    with on_terminal(shell, *RECALL) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("\x04")
        assert terminal.end() == 10


def test_on_a_terminal_the_progress_is_a_bar_of_two_lines(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 100, campaign="spring")
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "4"
    with on_terminal(shell, *RECALL, "--yes") as terminal:
        terminal.wait_for("of 100")
        terminal.wait_for("keys/s")
        assert terminal.end() == 0


def test_ctrl_c_pauses_with_everything_written_down(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 100, campaign="spring")
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "2"
    with on_terminal(shell, *RECALL, "--yes") as terminal:
        terminal.wait_for("20 recalled")
        os.kill(terminal.process.pid, signal.SIGINT)
        assert terminal.end() == 5
    assert "ledger resume 1" in terminal.shown
    (result,) = shell("recalls", "--json").json
    assert result["status"] == "paused"
    assert 0 < result["pending"] < 100
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "500"
    assert shell("resume", "1", "--json").json["recalled"] == 100


def test_a_second_ctrl_c_leaves_at_once(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 40, campaign="spring")
    simulator.world.change(latency_seconds=3.0)
    with on_terminal(shell, *RECALL, "--yes") as terminal:
        terminal.wait_for("asking DingTalk")
        os.kill(terminal.process.pid, signal.SIGINT)
        terminal.wait_for("again leaves at once")
        started = time.monotonic()
        os.kill(terminal.process.pid, signal.SIGINT)
        assert terminal.end() == 130
        assert time.monotonic() - started < 2


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 10)])
def test_asking_again_is_confirmed_by_whoever_sits_at_a_terminal_once_its_price_is_said(
    shell: Shell, simulator: Simulator, answer: str, code: int
) -> None:
    (key,) = shell.send(simulator, 1, campaign="spring")
    simulator.world.change(failed_reasons={key: FailedReason(reason="busy")})
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--yes").code == 3
    simulator.world.change(failed_reasons={})
    with on_terminal(shell, "retry", "1") as terminal:
        terminal.wait_for("Ask again? [y/N]")
        assert "asks again for 1 message: 1 call" in terminal.shown
        terminal.type(answer)
        assert terminal.end() == code
    assert ("nothing was asked again" in terminal.shown) == (code == 10)
    if code == 10:
        # A script is not asked, nor is who says yes beforehand.
        assert shell("retry", "1").code == 0
