"""`ledger watch`: *Now* in the terminal, until somebody has seen enough."""

import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len

from ledger.clock import FakeClock
from ledger.core.campaigns.campaign import CampaignLine
from ledger.entrypoints.cli.screen.live import LiveNow
from ledger.entrypoints.cli.screen.now import Look, now_lines
from ledger.entrypoints.process.attention import Trouble
from ledger.errors import DatabaseUnavailableError
from ledger.services.reports.recall_lines import RecallLine
from ledger.simulator import Simulator

from .conftest import Shell
from .terminal import on_terminal
from .test_run_progress import RUNNING

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def _line(name: str, minutes: int) -> CampaignLine:
    at = NOW + timedelta(minutes=minutes)
    counts: dict[str, Any] = {"messages": 3, "recipients": 9, "recallable": 3, "recalled": 0, "people": 9}
    return CampaignLine(campaign=name, first_deadline=at, last_deadline=at, **counts)


def _look(campaigns: int = 2, troubles: Sequence[Trouble] = ()) -> Look:
    lines = [_line(f"年终活动通知-{number:02}", 5 + number) for number in range(campaigns)]
    return Look(
        at=NOW,
        campaigns=lines,
        running=[RecallLine(result=RUNNING, selection={"campaign": "spring"}, people=5)] * (campaigns > 10),
        paused=[],
        scheduled=[],
        waiting=[],
        to_review=[],
        troubles=troubles,
    )


def _text(lines: Sequence[tuple[str, str | None]]) -> str:
    return "\n".join(text for text, _ in lines)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("rows", [12, 24])
def test_a_look_fits_the_screen_and_the_most_urgent_campaign_is_on_it(columns: int, rows: int) -> None:
    troubles = [Trouble(name="worker", is_bad=True)] * 9
    lines = now_lines(_look(40, troubles), NOW, columns=columns, rows=rows)
    assert all(cell_len(text) <= columns for text, _ in lines)
    assert "年终活动通知-00" in _text(lines)
    assert "more: `ledger campaigns`" in _text(lines)
    if rows == 24:
        assert len(lines) <= rows


def test_every_trouble_has_its_words() -> None:
    from ledger.entrypoints.cli.screen import now

    for name in now._TROUBLES:
        names = (
            "n",
            "minutes",
            "used",
            "limit",
            "app",
            "seconds",
            "folders",
            "places",
            "source",
            "sends",
            "packed_sends",
        )
        values = dict.fromkeys(names, 1)
        text = _text(now_lines(_look(0, [Trouble(name=name, values=values)]), NOW, columns=80, rows=24))
        assert "{" not in text


def test_what_is_left_and_a_ban_count_down_between_two_looks() -> None:
    clock = FakeClock(NOW)
    ban = Trouble(name="blocked", values={"app": "default", "seconds": 240})
    live = LiveNow(lambda: _look(1, [ban]), clock, every_seconds=60)
    live.tick()
    assert "for 240 s more" in _text(live.lines(80, 24))
    clock.sleep(10)
    live.tick()
    assert "for 230 s more" in _text(live.lines(80, 24))
    assert "4 min 50 s" in _text(live.lines(80, 24))


def test_while_the_database_is_away_the_last_look_stands_and_it_is_tried_again() -> None:
    clock, looks = FakeClock(NOW), list[Look | Exception]([_look(), DatabaseUnavailableError("gone"), _look(3)])

    def look() -> Look:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    live = LiveNow(look, clock, every_seconds=2)
    live.tick()
    clock.sleep(2)
    live.tick()
    shown = _text(live.lines(80, 24))
    assert "the database is away, trying again in 2 s: " in shown
    assert "what follows is of 25 Nov" in shown
    assert "年终活动通知-01" in shown
    clock.sleep(1)
    live.tick()
    assert "trying again in 1 s" in _text(live.lines(80, 24))
    clock.sleep(1)
    live.tick()
    assert "away" not in _text(live.lines(80, 24))
    assert "年终活动通知-02" in _text(live.lines(80, 24))


def test_a_pipe_gets_one_look_with_every_name_whole(shell: Shell, simulator: Simulator) -> None:
    name = "a-campaign-with-a-very-long-name-of-november-2026-and-more-of-it"
    shell.send(simulator, 2, campaign=name)
    ended = shell("watch")
    assert ended.code == 0
    assert name in ended.out
    assert "no worker is at work" in ended.out
    assert "2 messages can be recalled, the first for 22 h 59 min" in ended.out
    assert all(len(line) <= 60 for line in shell.seen(60, "watch", "--once"))


@pytest.mark.parametrize(
    ("interval", "why"), [("0", "no length of time"), ("x", "no length of time"), ("9999h", "long")]
)
def test_an_interval_that_is_none_is_refused(shell: Shell, interval: str, why: str) -> None:
    ended = shell("watch", "--interval", interval)
    assert ended.code == 2
    assert "--interval" in ended.err
    assert why in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_the_terminal_as_it_was(shell: Shell, simulator: Simulator, number: signal.Signals) -> None:
    shell.send(simulator, 2, campaign="spring")
    with on_terminal(shell, "watch") as terminal:
        terminal.wait_for("spring")
        os.kill(terminal.process.pid, number)
        assert terminal.end() == 0
        terminal.drain()
    assert terminal.shown.count("\x1b[?1049h") == terminal.shown.count("\x1b[?1049l") == 1
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")
    assert "Traceback" not in terminal.shown


def test_a_database_that_is_away_from_the_start_is_said_on_the_screen(shell: Shell) -> None:
    shell.variables["LEDGER_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/ledger"
    with on_terminal(shell, "watch") as terminal:
        terminal.wait_for("the database is away, trying again in")
        os.kill(terminal.process.pid, signal.SIGINT)
        assert terminal.end() == 0


def test_what_starts_by_itself_and_what_is_not_sent_any_more_are_seen(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="spring")
    shell.send(simulator, 1, campaign="autumn")
    at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    assert shell("recall", "--campaign", "spring", "--reason", "over then", "--yes", "--at", at).code == 0
    assert shell("recall", "--campaign", "autumn", "--reason", "wrong", "--yes", "--stop-sending").code == 0
    shown = shell("watch", "--once").out
    assert "recall 1 starts " in shown
    assert ": 2 messages of spring from 1 person: over then (" in shown
    assert "`ledger allow` lets autumn be sent again" in shown
    assert all(cell_len(line) <= 60 for line in shell.seen(60, "watch", "--once"))


def test_a_pause_is_told_once_with_one_command_that_goes_on(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="spring")
    simulator.world.change(permission_missing=True)
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--yes").code == 5
    shown = shell("watch", "--once").out
    assert "`ledger resume 1`: 2 messages of spring from 1 person, 2 wait: the app lacks a permission" in shown
    assert shown.count("ledger resume") == 1
    assert shell("show", "1").out.count("ledger resume") == 1
