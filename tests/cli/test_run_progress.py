"""The line under the bar: how far a recall is, and in few words what holds it up."""

import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.core.recalls.recall import Result, Status
from ledger.core.recalls.reply import Verdict
from ledger.entrypoints.cli.screen import run_progress
from ledger.entrypoints.cli.screen.run_progress import how_far
from ledger.entrypoints.cli.screen.troubles import trouble_in_words
from ledger.simulator import Simulator

from .conftest import Shell
from .terminal import on_terminal

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RUNNING = Result(
    recall_id=1,
    status=Status.RUNNING,
    eligible=10,
    recalled=0,
    refused=0,
    partial=0,
    expired=0,
    unknown=0,
    cancelled=0,
    pending=10,
    calls=1,
    elapsed_seconds=1.0,
    reason="typo",
    actor="ann",
    error=None,
)


@pytest.mark.parametrize(
    ("verdict", "code", "reason", "message"),
    [
        (
            "trouble",
            "not_sent",
            "ConnectError: [Errno 111] Connection refused",
            "DingTalk does not answer: connection refused",
        ),
        (
            "trouble",
            "not_sent",
            "no access token: ConnectError: [Errno -2] Name or service not known",
            "DingTalk does not answer: name or service not known",
        ),
        ("trouble", "no_answer", "ReadTimeout: The read operation timed out", "the read operation timed out"),
        ("trouble", "no_answer", "ReadTimeout", "DingTalk does not answer: timed out"),
        (
            "trouble",
            "not_sent",
            "no access token: through the proxy http://p:3128: ConnectError: [Errno 111] Connection refused",
            "the proxy does not answer: connection refused",
        ),
        ("trouble", "no_answer", None, "DingTalk does not answer: no more is known"),
        ("trouble", "http_502", "<html>", "DingTalk has trouble: http_502"),
        ("throttled", "Forbidden.AccessDenied.QpsLimit", "too fast", "throttled, going slower"),
        ("banned", "banned", "<html>", "shut this address out"),
    ],
)
def test_trouble_is_said_in_few_words(verdict: str, code: str, reason: str | None, message: str) -> None:
    shown = trouble_in_words({"verdict": verdict, "code": code, "reason": reason})
    assert message in shown
    assert len(shown) <= 65


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_words(verdict: Verdict) -> None:
    trouble: Mapping[str, str | None] = {"verdict": verdict, "code": "c" * 500, "reason": "r\n\x1b[31m" * 50}
    shown = trouble_in_words(trouble)
    assert shown.isprintable()
    assert len(shown) <= 65


def test_trouble_stands_beside_what_has_ended_or_in_the_place_of_no_answer() -> None:
    trouble = {"verdict": "throttled", "code": None, "reason": None}
    assert how_far(RUNNING, NOW).startswith("no answer yet; it goes on trying")
    assert how_far(replace(RUNNING, trouble=trouble), NOW).startswith("throttled, going slower; Ctrl-C pauses")
    assert (
        how_far(replace(RUNNING, recalled=4, pending=6, trouble=trouble), NOW) == "4 recalled; throttled, going slower"
    )


BANNED = {"verdict": "banned", "code": "banned", "reason": None, "until": "2026-11-25T12:05:00Z"}


def test_a_ban_counts_down() -> None:
    waits = replace(RUNNING, trouble=BANNED)
    shown = [how_far(waits, NOW + timedelta(seconds=passed)) for passed in (0, 60, 299, 301)]
    assert "DingTalk shut this address out: goes on in 5 min, at " in shown[0]
    assert "goes on in 4 min, at " in shown[1]
    assert "goes on in 1 s" in shown[2]
    assert "goes on in" not in shown[3]


def test_off_a_terminal_a_wait_is_said_once_and_not_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_progress, "SECONDS_BETWEEN_LINES", 0.0)
    waits, later = replace(RUNNING, trouble=BANNED), "2026-11-25T12:05:00.400000Z"
    with run_progress.shown() as watch:
        for _ in range(3):
            watch.show(waits)
        watch.show(replace(waits, trouble=BANNED | {"until": later}))
        assert capsys.readouterr().err.count("shut this address out") == 1
        watch.show(replace(RUNNING, recalled=4, pending=6))
        assert "4 of 10 done" in capsys.readouterr().err


def test_a_dingtalk_that_refuses_the_connection_is_named_on_the_screen(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="c")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        shell.api_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with on_terminal(shell, "recall", "--campaign", "c", "--reason", "typo", "--yes") as terminal:
            terminal.wait_for("does not answer: connection refused")
            os.kill(terminal.process.pid, signal.SIGINT)
            assert terminal.end() == 5
