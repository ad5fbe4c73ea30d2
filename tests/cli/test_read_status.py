"""`--verify`: what it costs, who agrees to it, and what it settles."""

import pytest

from ledger.simulator import Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "c", "--yes")


@pytest.fixture
def doubtful(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger with a recall of four messages of which nobody can say what became of two, although they are gone."""
    keys = shell.send(simulator, 4, campaign="c")
    simulator.world.change(silent_keys=keys[:2], silent_keys_are_recalled=True)
    assert shell(*RECALL).code == 3
    simulator.world.change(silent_keys=[])
    return shell


def inquiries(simulator: Simulator) -> int:
    return sum(call.path.endswith("readStatus") for call in simulator.world.calls())


@pytest.mark.parametrize("command", ["show", "retry"])
def test_without_a_terminal_somebody_has_to_agree_beforehand(
    doubtful: Shell, simulator: Simulator, command: str
) -> None:
    ended = doubtful(command, "1", "--verify", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (10, "not_confirmed")
    assert "2 calls" in ended.err
    assert inquiries(simulator) == 0
    assert doubtful("show", "1", "--json").json["unknown"] == 2


def test_show_settles_and_then_shows(doubtful: Shell, simulator: Simulator) -> None:
    ended = doubtful("show", "1", "--verify", "--yes", "--json")
    assert (ended.code, ended.json["recalled"], ended.json["unknown"]) == (0, 4, 0)
    assert len(ended.json["items"]) == 4
    assert "2 of 2 messages settled" in ended.err
    assert inquiries(simulator) == 2
    again = doubtful("show", "1", "--verify")
    assert again.code == 0
    assert "nothing to ask DingTalk about" in again.err
    assert "4 of 4 recalled" in again.out
    assert doubtful("verify").code == 0


def test_retry_settles_and_has_nothing_left_to_do(doubtful: Shell, simulator: Simulator) -> None:
    ended = doubtful("retry", "1", "--verify", "--yes", "--json")
    assert (ended.code, ended.json["recalled"]) == (0, 4)
    assert sum(call.path.endswith("batchRecall") for call in simulator.world.calls()) == 1


def test_retry_settles_and_then_asks_again_for_what_is_left(shell: Shell, simulator: Simulator) -> None:
    keys = shell.send(simulator, 3, campaign="c")
    simulator.world.change(silent_keys=keys[:2])
    assert shell(*RECALL).code == 3
    simulator.world.change(silent_keys=[])
    ended = shell("retry", "1", "--verify", "--yes", "--json")
    assert (ended.code, ended.json["recalled"], ended.json["status"]) == (0, 3, "finished")
    assert inquiries(simulator) == 2


def test_what_somebody_has_to_mend_is_exit_5(doubtful: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    ended = doubtful("show", "1", "--verify", "--yes", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (5, "permission")


@pytest.mark.parametrize(("answer", "code", "cost"), [("y", 0, 2), ("n", 10, 0), ("", 10, 0)])
def test_it_is_a_question(doubtful: Shell, simulator: Simulator, answer: str, code: int, cost: int) -> None:
    ended = doubtful.typed(answer, "show", "1", "--verify")
    assert "[y/N]" in ended.err
    assert "2 calls of the month's quota" in " ".join(ended.err.split())
    assert ended.code == code
    assert inquiries(simulator) == cost


def test_a_recall_that_does_not_exist_is_refused(shell: Shell) -> None:
    for command in ("show", "retry"):
        ended = shell(command, "9", "--verify", "--yes", "--json")
        assert (ended.code, ended.json["error"]["code"]) == (2, "unknown_recall")


def test_retry_says_what_it_costs_and_what_it_leaves_alone(shell: Shell, simulator: Simulator) -> None:
    final, passing = shell.send(simulator, 2, campaign="c")
    simulator.world.change(failed_reasons={final: "not.allowed.robotCode", passing: "busy"})
    assert shell(*RECALL).code == 3
    simulator.world.change(failed_reasons={})
    ended = shell("retry", "1", "--json")
    assert (ended.code, ended.json["recalled"]) == (3, 1)
    assert "asks again for 1 message: 1 call of the month's quota" in ended.err
    assert "not asked again: 1 refused for good" in ended.err


@pytest.fixture
def recalled(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger with a recall of three messages, of which DingTalk says later that one is still there."""
    keys = shell.send(simulator, 3, campaign="c")
    assert shell(*RECALL).code == 0
    simulator.world.change(still_there=keys[:1])
    return shell


def test_a_sample_of_what_is_recalled_is_asked_whether_it_is_gone(recalled: Shell, simulator: Simulator) -> None:
    ended = recalled("show", "1", "--verify", "--sample", "9", "--yes")
    assert ended.code == 0
    assert "it costs 3 calls of the month's quota" in ended.err
    assert "of 3 recalled messages 2 gone, 1 still there" in ended.err
    assert inquiries(simulator) == 3
    assert ended.out.startswith("DISPUTED: 1 recalled message is still there, says DingTalk")
    (there,) = recalled("show", "1", "--json").json["still_there"]
    assert there["status"] == "SUCCESS"
    assert f"still there: {there['process_query_key']}" in ended.out
    assert recalled("verify").code == 0


def test_a_sample_without_verify_is_a_mistake(recalled: Shell, simulator: Simulator) -> None:
    for command in ("show", "retry"):
        ended = recalled(command, "1", "--sample", "2", "--json")
        assert (ended.code, "--verify" in ended.err) == (2, True)
    assert inquiries(simulator) == 0


def test_a_sample_asks_also_about_what_was_cancelled_before_anybody_asked(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="c")
    simulator.world.change(monthly_quota=0)
    assert shell(*RECALL).code == 5
    simulator.world.change(monthly_quota=5000)
    assert shell("cancel", "1").code in (0, 3)
    assert "nothing to ask DingTalk about" in shell("show", "1", "--verify").err
    ended = shell("show", "1", "--verify", "--sample", "2", "--yes", "--json")
    assert "whether other hands have recalled 2 messages that nobody here asked for" in " ".join(ended.err.split())
    assert ended.json["recalled_elsewhere"] == []
    assert inquiries(simulator) == 2
