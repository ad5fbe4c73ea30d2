"""The month's quota in a plan: a warning when little is left, and more than a y when it does not suffice."""

import pytest

from ledger.simulator import Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "spring")


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_plan_that_leaves_enough_says_no_warning(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="spring")
    ended = shell(*RECALL, "--dry-run")
    assert "WARNING" not in ended.out
    assert "left afterwards" in words(ended.out)


def test_a_plan_that_eats_into_the_reserve_warns(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="spring")
    shell.variables |= {"LEDGER_MONTHLY_CALLS": "1000", "LEDGER_QUOTA_RESERVE_CALLS": "999"}
    ended = shell(*RECALL, "--dry-run")
    assert ended.code == 0
    assert "WARNING this leaves 996 calls of the month, fewer than the 999 that are to be kept" in words(ended.out)
    assert "LEDGER_QUOTA_RESERVE_CALLS" in ended.out
    assert shell(*RECALL, "--yes").code == 0


@pytest.mark.parametrize(("answer", "code"), [("y", 10), ("spring", 0)])
def test_a_plan_that_the_quota_does_not_cover_needs_more_than_a_y(
    shell: Shell, simulator: Simulator, answer: str, code: int
) -> None:
    shell.send(simulator, 3, campaign="spring")
    shell.variables["LEDGER_MONTHLY_CALLS"] = "1"
    assert shell(*RECALL, "--dry-run", "--json").json["quota"]["after"] < 0
    ended = shell.typed(answer, *RECALL)
    assert ended.code == code
    message = words(ended.out + ended.err)
    assert "Type spring or 3 to confirm:" in message
    assert "The month's quota does not cover it: it will pause when that is used up." in message
    assert "too few are left this month" in message


def test_yes_confirms_that_too(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="spring")
    shell.variables["LEDGER_MONTHLY_CALLS"] = "1"
    assert shell(*RECALL).code == 10
    assert shell(*RECALL, "--yes", "--json").json["recalled"] == 3
