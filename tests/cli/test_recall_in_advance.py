"""`recall --at`: confirmed now, run later by a worker."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.clock import format_time
from ledger.simulator import Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "the offer is over", "--campaign", "c", "--yes")


def later(**span: float) -> str:
    return format_time((datetime.now(UTC) + timedelta(**span)).replace(microsecond=0))


def test_it_calls_nothing_now_and_says_until_when_it_waits_and_who_has_to_run(
    shell: Shell, simulator: Simulator
) -> None:
    shell.send(simulator, 2, campaign="c")
    at = later(hours=3)
    ended = shell(*RECALL, "--at", at, "--json")
    assert (ended.code, ended.json["status"], ended.json["scheduled_at"]) == (0, "planned", at)
    assert simulator.world.calls() == []
    listed = shell("recalls")
    assert "waits until" in listed.out
    shown = shell("show", "1").out
    assert "Recall 1 waits until" in shown
    assert "ledger worker" in shown
    assert "ledger cancel 1" in shown
    assert "waits until" in shell("resume", "1").err
    assert "2 cancelled" in shell("cancel", "1").out
    assert "cancelled" in shell("show", "1").out


def test_a_moment_after_the_first_deadline_is_refused_with_the_latest_one_before_anybody_confirms(
    shell: Shell, simulator: Simulator
) -> None:
    shell.send(simulator, 2, campaign="c", age=timedelta(hours=2))
    for more in ((), ("--dry-run",)):
        ended = shell(*RECALL, "--at", later(hours=23), *more)
        assert ended.code == 2
        assert "The latest moment is" in ended.err


@pytest.mark.parametrize("option", [("--sticky", "1h"), ("--now",), ("--break-glass",)])
def test_what_is_for_a_recall_that_runs_now_is_refused_beside_it(
    shell: Shell, simulator: Simulator, option: tuple[str, ...]
) -> None:
    shell.send(simulator, 1, campaign="c")
    ended = shell(*RECALL, "--at", later(hours=1), *option)
    assert (ended.code, f"--at and {option[0]} exclude each other" in ended.err) == (2, True)


def test_an_empty_moment_and_one_without_a_zone_are_refused(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    assert "--at is empty" in shell(*RECALL, "--at", "").err
    assert shell(*RECALL, "--at", "2026-03-01T10:00:00").code == 2
