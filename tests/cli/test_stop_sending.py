"""`ledger recall --stop-sending` and `ledger allow`: what is still sent of a recalled campaign is refused meanwhile."""

from ledger.simulator import Simulator

from .conftest import Shell


def test_a_recall_stops_what_is_still_sent_until_somebody_allows_it(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring")
    ended = shell("recall", "--campaign", "spring", "--reason", "typo", "--actor", "ann", "--yes", "--stop-sending")
    assert ended.code == 0, ended.err
    assert "send nothing more of spring: `ledger allow`" in ended.err
    assert "spring: stopped by ann" in shell("allow").out
    assert "with recall 1" in shell("allow").out
    assert "Nothing more of spring is sent: ann stopped it" in shell("campaigns").out
    assert shell("campaigns", "--json").json[0]["sending_stopped_by"] == "ann"
    assert shell("allow", "spring", "--json").json == {"stopped": []}
    again = shell("allow", "spring")
    assert (again.code, "nothing of 'spring' is stopped" in again.err) == (2, True)
    assert "nothing is stopped" in shell("allow").err


def test_only_a_campaign_can_be_stopped(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring", users=("ann",))
    ended = shell("recall", "--user", "ann", "--reason", "typo", "--yes", "--stop-sending")
    assert (ended.code, "name them with --campaign" in ended.err) == (2, True)


def test_who_only_looks_stops_nothing(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring")
    shell("recall", "--campaign", "spring", "--reason", "typo", "--dry-run", "--stop-sending")
    assert shell("allow", "--json").json == {"stopped": []}
