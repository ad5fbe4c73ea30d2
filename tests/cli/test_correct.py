"""`correct`: the right message goes to those from whom a recall took the wrong one, once it was seen and confirmed."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from ledger.simulator import FailedReason, Simulator

from .conftest import Shell

SEND = "/v1.0/robot/oToMessages/batchSend"
TEXT = json.dumps({"content": "The right link is https://example.com"})
CORRECT = ("correct", "1", "--msg-key", "sampleText", "--msg-param", TEXT, "--reason", "the right link")
USERS = [f"user-{number}" for number in range(23)]


@pytest.fixture
def recalled(shell: Shell, simulator: Simulator) -> Shell:
    """A recall of one message to 23 people that has finished."""
    shell.send(simulator, 1, users=USERS, campaign="spring")
    assert shell("recall", "--campaign", "spring", "--reason", "wrong link", "--yes").code == 0
    return shell


def sends(simulator: Simulator) -> int:
    return len(simulator.world.calls(SEND))


def test_it_is_shown_as_people_will_see_it_confirmed_by_their_number_and_sent(
    recalled: Shell, simulator: Simulator
) -> None:
    assert "ledger correct 1" in recalled("show", "1").out
    assert recalled(*CORRECT).code == 10
    assert recalled.typed("yes", *CORRECT).code == 10
    assert sends(simulator) == 0
    done = recalled.typed("23", *CORRECT)
    assert done.code == 0, done.err
    assert "Send a correction to 23 people" in done.out
    assert "People will see (sampleText):\n    The right link is https://example.com" in done.out
    assert "Really send a correction to 23 people?" in done.err
    assert "The correction of recall 1 has finished: 23 of 23 people got it" in done.out
    assert simulator.world.received(msg_key="sampleText") == dict.fromkeys(USERS, 1)


def test_scripts_get_the_figures_of_the_contract(recalled: Shell) -> None:
    done = recalled(*CORRECT, "--yes", "--json")
    assert done.code == 0, done.err
    says = {name: done.json[name] for name in ("people", "calls", "sent", "unknown", "skipped", "campaign")}
    assert says == {
        "people": 23,
        "calls": 2,
        "sent": 23,
        "unknown": 0,
        "skipped": 0,
        "campaign": "correction of spring (recall 1)",
    }
    again = recalled("recall", "--campaign", says["campaign"], "--reason", "wrong, too", "--yes", "--json")
    assert (again.code, again.json["recalled"]) == (0, 2)


def test_a_dry_run_sends_nothing_and_its_token_sends_exactly_that(recalled: Shell, simulator: Simulator) -> None:
    shown = recalled(*CORRECT, "--dry-run", "--json")
    assert (shown.code, shown.json["people"], shown.json["left_out"]) == (0, 23, [])
    assert shown.json["preview"]["text"] == "The right link is https://example.com"
    assert sends(simulator) == 0
    plan = ("correct", "1", "--plan", str(shown.json["correction_id"]), "--token")
    assert recalled(*plan, "plan_another", "--yes").code == 2
    assert recalled(*plan, shown.json["token"], "--yes").code == 0
    assert recalled(*plan, shown.json["token"], "--yes").code == 2
    assert sends(simulator) == 2


def test_the_second_one_says_what_the_first_did_and_finds_nobody_left(recalled: Shell, simulator: Simulator) -> None:
    recalled(*CORRECT, "--yes")
    again = recalled(*CORRECT, "--yes")
    assert (again.code, "nobody gets a correction of recall 1: 23 have a correction" in again.err) == (4, True)
    dry = recalled(*CORRECT, "--dry-run")
    assert (dry.code, "1 correction of it" in dry.out) == (4, True)
    shown = recalled("correct", "1")
    assert (shown.code, "23 of 23 people got it" in shown.out) == (0, True)
    assert [one["sent"] for one in recalled("correct", "1", "--json").json] == [23]
    assert sends(simulator) == 2


def test_what_not_all_got_is_exit_3_and_names_why(recalled: Shell, simulator: Simulator) -> None:
    simulator.world.change(flow_controlled_users=frozenset({"user-1"}))
    done = recalled(*CORRECT, "--yes")
    assert (done.code, "not reached: 1 written to too often" in done.out) == (3, True)


def test_who_still_has_the_message_is_left_out_and_what_to_do_is_said(shell: Shell, simulator: Simulator) -> None:
    kept, _ = shell.send(simulator, 2, users=["ann"], campaign="spring")
    shell.send(simulator, 1, users=["bob"], campaign="spring")
    simulator.world.change(failed_reasons={kept: FailedReason(reason="no")})
    assert shell("recall", "--campaign", "spring", "--reason", "wrong link", "--yes").code == 3
    shown = shell(*CORRECT, "--dry-run")
    assert "Send a correction to 1 person" in shown.out
    assert "1 still have a message" in shown.out
    assert "ledger retry 1" in shown.out
    assert shell(*CORRECT, "--dry-run", "--json").json["left_out"] == [{"user": "ann", "why": "still_have"}]


def test_a_group_is_written_to_by_hand(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, users=[], campaign="spring", openConversationId="cid-1")
    shell("recall", "--campaign", "spring", "--reason", "wrong link", "--yes")
    done = shell(*CORRECT, "--yes")
    assert (done.code, "in groups: write there by hand" in done.err) == (4, True)


def test_a_pause_is_exit_5_and_resume_goes_on_by_the_number_of_the_recall(
    recalled: Shell, simulator: Simulator
) -> None:
    simulator.world.change(permission_missing=True)
    paused = recalled(*CORRECT, "--yes")
    assert (paused.code, "ledger resume 1" in paused.out) == (5, True)
    again = recalled(*CORRECT, "--yes")
    assert (again.code, "`ledger resume 1` goes on with it" in again.err) == (2, True)
    simulator.world.change(permission_missing=False)
    done = recalled("resume", "1", "--json")
    assert (done.code, done.json["sent"]) == (0, 23)


def test_resume_without_a_number_takes_corrections_along(recalled: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    assert recalled(*CORRECT, "--yes").code == 5
    simulator.world.change(permission_missing=False)
    done = recalled("resume", "--json")
    assert (done.code, done.json["sent"]) == (0, 23)
    assert recalled("resume").code == 4


def test_cancel_stops_it_and_who_got_none_yet_is_free(recalled: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    recalled(*CORRECT, "--yes")
    simulator.world.change(permission_missing=False)
    assert "permission" in recalled("correct", "1").out
    assert recalled("cancel", "1", "--json").json["cancelled"] == 23
    assert "permission" not in recalled("correct", "1").out, "what would let it go on is no advice for what is over"
    assert recalled(*CORRECT, "--yes").code == 0


def test_a_large_one_waits_for_another_person(recalled: Shell, simulator: Simulator) -> None:
    recalled.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    asked = recalled(*CORRECT, "--yes", "--actor", "wang")
    assert (asked.code, "ledger approve 1" in asked.err) == (10, True)
    shown = recalled("correct", "1").out
    assert "waits for a second person" in shown
    assert "It says (sampleText):\n    The right link is https://example.com" in shown, "who agrees has seen it"
    assert recalled("approve", "1", "--actor", "wang").code == 2
    assert sends(simulator) == 0
    done = recalled("approve", "1", "--actor", "li", "--json")
    assert (done.code, done.json["sent"], done.json["approval"]["approved_by"]) == (0, 23, "li")
    checked = recalled("verify")
    assert checked.code == 0, checked.out


def test_another_person_refuses_it_with_a_reason(recalled: Shell, simulator: Simulator) -> None:
    recalled.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    recalled(*CORRECT, "--yes", "--actor", "wang")
    refused = recalled("refuse", "1", "--reason", "that link is wrong, too", "--actor", "li")
    assert "li did not agree: that link is wrong, too" in refused.out
    assert sends(simulator) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--msg-key", "sampletext", "--msg-param", TEXT], "did you mean sampleText?"),
        (["--msg-key", "sampleText", "--msg-param", '{"contnet": "x"}'], "did you mean content?"),
        (["--msg-key", "sampleText", "--msg-param", '{"content": 1}'], "is no text"),
        (["--msg-key", "sampleText", "--msg-param", "[]"], "no JSON object"),
        (["--msg-key", "sampleText", "--msg-param", "{"], "are no JSON"),
        (["--msg-key", "sampleText", "--msg-param", json.dumps({"content": "x" * 16_000})], "make it shorter"),
        (["--msg-key", "sampleText"], "what to say is missing"),
        (["--msg-param", TEXT], "--msg-key sampleText"),
        (["--msg-key", "sampleText", "--msg-param", TEXT, "--file", "x"], "give one of them"),
        (["--msg-key", "sampleText", "--file", "not there"], "cannot be read"),
        (["--plan", "1"], "go together"),
        ([], "what to say is missing"),
    ],
)
def test_what_cannot_be_sent_ends_in_a_sentence(
    recalled: Shell, simulator: Simulator, words: list[str], says: str
) -> None:
    reason = [] if "--plan" in words else ["--reason", "the right link"]
    done = recalled("correct", "1", *words, *reason, "--yes")
    assert (done.code, says in done.err) == (2, True), done.err
    assert "Traceback" not in done.err
    assert sends(simulator) == 0


def test_the_text_may_come_from_a_file_or_a_pipe(recalled: Shell, tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text(TEXT, encoding="utf-8")
    (tmp_path / "body.json").write_text(json.dumps({"msgKey": "sampleText", "msgParam": TEXT}), encoding="utf-8")
    why = ("--reason", "the right link", "--dry-run")
    for words in (
        ("--msg-key", "sampleText", "--file", str(tmp_path / "text.json")),
        ("--file", str(tmp_path / "body.json")),
    ):
        assert "The right link" in recalled("correct", "1", *words, *why).out
    piped = recalled("correct", "1", "--msg-key", "sampleText", "--file", "-", *why, stdin=TEXT)
    assert "The right link" in piped.out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen_and_the_text_is_shown_whole(recalled: Shell, width: int) -> None:
    said = "年终活动通知请大家查看谢谢大家的支持与配合" * 8
    words = json.dumps({"title": "Right", "text": f"{said}\n\x1b[2J{'w' * 200}", "singleTitle": "Go", "singleURL": "u"})
    template = ("--msg-key", "sampleActionCard", "--msg-param", words, "--reason", "the right link", "--dry-run")
    lines = recalled.seen(width, "correct", "1", *template)
    assert all(cell_len(line) <= width and line.isprintable() for line in lines)
    shown = "".join(line.strip() for line in lines)
    assert said in shown
    assert "w" * 200 in shown
    assert "[Go] u" in shown
    assert all(cell_len(line) <= width for line in recalled.seen(width, *CORRECT, "--yes"))


def test_whom_dingtalk_refused_to_write_to_is_shown_with_its_words(recalled: Shell, simulator: Simulator) -> None:
    simulator.world.change(unknown_users=frozenset(USERS[:2]), illegal_users=frozenset(USERS[2:3]))
    done = recalled(*CORRECT, "--yes")
    assert "20 of 23 people got it, 3 refused" in done.out
    assert "  2 refused: staffId.notExisted: a staffId does not exist\n" in done.out
    assert "  1 refused: illegal.receivers: a receiver may not be written to\n" in done.out
    assert recalled("correct", "1", "--json").json[0]["refusals"][0] == {
        "code": "staffId.notExisted",
        "reason": "a staffId does not exist",
        "people": 2,
    }


def test_a_correction_that_the_second_person_refused_says_so_first(recalled: Shell) -> None:
    recalled.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    assert recalled(*CORRECT, "--yes").code == 10
    assert recalled("refuse", "1", "--reason", "not yet", "--actor", "li").code == 0
    shown = recalled("correct", "1").out
    assert "The correction of recall 1 was not agreed to: 0 of 23 people got it" in shown
    assert "li did not agree: not yet" in shown


def test_who_watches_sees_that_a_correction_needs_somebody_and_what_to_type(
    recalled: Shell, simulator: Simulator
) -> None:
    simulator.world.change(unsafe_texts=frozenset({"example.com"}))
    assert recalled(*CORRECT, "--yes").code == 5
    shown = recalled("correct", "1").out
    assert "ledger cancel 1" in shown
    assert "ledger resume 1" not in shown, "asking again says the same"
    assert "  `ledger correct 1` says why the correction of recall 1 is paused" in recalled("watch", "--once").out
    assert recalled("cancel", "1").code in (0, 3)
    recalled.variables["LEDGER_APPROVAL_RECIPIENTS"] = "3"
    assert recalled(*CORRECT, "--yes").code == 10
    seen = recalled("watch", "--once").out
    assert "  `ledger approve 1`: the correction of recall 1 waits for a second person" in seen
