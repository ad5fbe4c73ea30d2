"""`ledger reads`: what it costs, who agrees to it, what it says, and what a recall's report makes of it."""

import re
from typing import Any

import pytest
from rich.cells import cell_len

from ledger.simulator import Chat, Simulator

from .conftest import ROBOT, Shell


def asked(simulator: Simulator) -> int:
    return sum(call.path.endswith(("readStatus", "/query")) for call in simulator.world.calls())


@pytest.fixture
def sent(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger with twelve messages of two people each, one of whom has read all of hers."""
    shell.send(simulator, 12, campaign="c", users=("ann", "bob"))
    simulator.world.change(readers=["ann"])
    return shell


def test_without_a_terminal_somebody_has_to_agree_beforehand(sent: Shell, simulator: Simulator) -> None:
    ended = sent("reads", "--campaign", "c", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (10, "not_confirmed")
    assert "12 calls of the month's quota" in ended.err
    assert asked(simulator) == 0


@pytest.mark.parametrize(("answer", "code", "calls"), [("y", 0, 12), ("n", 10, 0)])
def test_it_is_a_question(sent: Shell, simulator: Simulator, answer: str, code: int, calls: int) -> None:
    ended = sent.typed(answer, "reads", "--campaign", "c")
    assert "[y/N]" in ended.err
    assert (ended.code, asked(simulator)) == (code, calls)


def test_all_that_are_asked_give_the_share(sent: Shell) -> None:
    ended = sent("reads", "--campaign", "c", "--yes")
    assert ended.out.splitlines() == [
        "50 % had read it (12 of 12 messages asked)",
        "  asked: 12 of 24 people had read it",
    ]


def test_a_sample_gives_a_range_and_json_the_same(sent: Shell, simulator: Simulator) -> None:
    ended = sent("reads", "--campaign", "c", "--sample", "8", "--yes")
    assert re.match(r"Between \d+ % and \d+ % had read it \(8 of 12 messages asked\)", ended.out)
    found: dict[str, Any] = sent("reads", "--campaign", "c", "--sample", "8", "--yes", "--json").json
    assert (found["asked"], found["read"], found["unread"], found["calls"]) == (8, 8, 8, 0)
    assert 0 < found["share_low"] < 0.5 < found["share_high"] < 1
    assert asked(simulator) == 8


def test_a_dry_run_says_the_price_alone(sent: Shell, simulator: Simulator) -> None:
    price = sent("reads", "--campaign", "c", "--sample", "5", "--dry-run", "--json").json
    assert (price["messages"], price["sample"], price["calls"]) == (12, 5, 5)
    assert set(price["quota"]) == {"limit", "used", "after", "reserve"}
    ended = sent("reads", "--campaign", "c", "--sample", "5", "--dry-run")
    assert "asks about 5 messages of 12, drawn by lot: 5 calls" in ended.err
    assert (ended.code, asked(simulator)) == (0, 0)


def test_asked_before_a_recall_its_report_says_how_many_lost_it_unread(sent: Shell) -> None:
    assert sent("reads", "--campaign", "c", "--sample", "8", "--yes").code == 0
    assert sent("recall", "--campaign", "c", "--reason", "typo", "--yes").code == 0
    before = sent("show", "1", "--json").json["before_reading"]
    assert (before["messages"], before["people"], before["read"], before["share"]) == (8, 16, 8, 0.5)
    assert (before["is_most"], before["not_known"]) == (True, 4)
    shown = sent("show", "1").out
    assert "at most 8 of 16 people lost it before they had read it (50 %); not known for 4 messages" in shown
    # Of the others it is certain now: what is gone nobody reads any more.
    assert sent("reads", "--recall", "1", "--yes").code == 0
    assert "read: at most 12 of 24 people lost it before they had read it (50 %)\n" in sent("show", "1").out
    assert sent("verify").code == 0


def test_a_recall_that_nobody_asked_about_says_nothing_of_reading(sent: Shell) -> None:
    assert sent("recall", "--campaign", "c", "--reason", "typo", "--yes").code == 0
    assert sent("show", "1", "--json").json["before_reading"] is None
    assert "before they had read it" not in sent("show", "1").out


def test_of_a_conversation_readers_alone_are_told(shell: Shell, simulator: Simulator) -> None:
    (key,) = simulator.world.make_messages(1, robot_code=ROBOT, chat=Chat.GROUP, conversation="cid")
    simulator.world.change(readers=[f"user{number}" for number in range(250)])
    recorded = shell("record", "--robot", ROBOT, "--key", key, "--conversation", "cid", "--campaign", "g")
    assert recorded.code == 0, recorded.err
    ended = shell("reads", "--campaign", "g", "--yes")
    assert "at least 1 call" in ended.err
    assert ended.out.splitlines() == [
        "Of what share nobody can say (1 of 1 message asked)",
        "  250 people had read it in a conversation of unknown size",
    ]
    assert asked(simulator) == 2


def test_nothing_that_can_be_asked_about_is_exit_4_and_nothing_selected_exit_2(shell: Shell) -> None:
    assert shell("reads", "--campaign", "none", "--yes").code == 4
    assert shell("reads", "--yes").code == 2
    assert shell("reads", "--recall", "1", "--campaign", "c").code == 2
    assert shell("reads", "--recall", "1").code == 2


def test_what_somebody_has_to_mend_is_exit_5(sent: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    ended = sent("reads", "--campaign", "c", "--yes", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (5, "permission")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen(sent: Shell, width: int) -> None:
    lines = sent.seen(width, "reads", "--campaign", "c", "--sample", "8", "--yes")
    assert lines
    assert all(cell_len(line) <= width for line in lines)


def test_a_token_that_is_bound_asks_about_its_own_messages_alone(sent: Shell, simulator: Simulator) -> None:
    made = sent("token", "create", "--name", "other", "--role", "operator", "--robot", "another", "--json").json
    sent.variables["LEDGER_TOKEN"] = made["secret"]
    ended = sent("reads", "--campaign", "c", "--yes")
    assert (ended.code, asked(simulator)) == (4, 0)
    sent.variables["LEDGER_TOKEN"] = sent("token", "create", "--name", "a", "--role", "auditor", "--json").json[
        "secret"
    ]
    assert sent("reads", "--campaign", "c", "--yes").code == 2
