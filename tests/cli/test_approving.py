"""`approve` and `refuse`: a large recall ends with exit 10 and says who must do what."""

from ledger.simulator import Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "c", "--yes")


def test_a_large_recall_waits_for_another_person_who_runs_it(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    shell.send(simulator, 4, campaign="c")
    ended = shell(*RECALL, "--json", "--actor", "wang")
    assert (ended.code, ended.json["error"]["code"]) == (10, "approval_needed")
    assert "wang asked for it" in ended.err
    assert "ledger approve 1" in ended.err
    assert shell("approve", "1", "--actor", "wang").code == 2
    done = shell("approve", "1", "--actor", "li", "--json")
    assert (done.code, done.json["recalled"], done.json["actor"]) == (0, 4, "wang")
    assert done.json["approval"]["approved_by"] == "li"
    assert shell("verify").code == 0


def test_another_person_refuses(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "0"
    shell.send(simulator, 1, campaign="c")
    assert shell(*RECALL, "--actor", "wang").code == 10
    ended = shell("refuse", "1", "--reason", "the link is right", "--actor", "li")
    assert (ended.code, "cancelled" in ended.out.lower()) == (0, True)
    assert shell("approve", "1", "--actor", "li").code == 2
