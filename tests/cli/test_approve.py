"""`approve` and `refuse`: a large recall ends with exit 10 and says who must do what."""

import re
from datetime import UTC, datetime, timedelta

import pytest

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


def test_whoever_has_to_agree_finds_the_recall_and_what_to_type(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "0"
    shell.send(simulator, 1, campaign="c")
    assert shell("recall", "--campaign", "c", "--reason", "only looked at", "--dry-run").code == 0
    assert shell(*RECALL, "--actor", "wang").code == 10
    listed = shell("recalls")
    assert ("to approve" in listed.out, "only looked at" in listed.out) == (True, False)
    assert "1 plan that nobody has run is left out" in listed.err
    shown = shell("show", "2").out
    assert "waits for a second person" in shown
    assert "ledger approve 2" in shown
    assert 'ledger refuse 2 --reason "..."' in shown
    for command in ("resume", "retry"):
        ended = shell(command, "2")
        assert (ended.code, "another operator has to agree" in ended.err) == (10, True), ended
    assert (shell("resume", "1").code, "plan it again" in shell("resume", "1").err) == (2, True)


def test_a_request_that_cannot_run_any_more_is_to_be_planned_again(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "2"
    keys = shell.send(simulator, 3, campaign="c")
    shell(*RECALL, "--actor", "wang")
    assert shell("recall", "--key", keys[0], "--reason", "at once", "--yes", "--actor", "zhao").code == 0
    for ended in (shell("recalls"), shell("show", "1")):
        assert "recall 2 has taken some of its messages meanwhile: plan it again" in ended.out
    assert "plan again" in shell("recalls").out
    shown = shell("show", "1").out
    assert ("cannot run any more" in shown, "ledger approve 1" in shown) == (True, False)
    seen = shell("watch", "--once").out
    assert "plan recall 1 again, which cannot run any more" in seen
    assert "`ledger approve 1`" not in seen
    assert shell("show", "1", "--json").json["overtaken_by"] == 2


def test_what_waits_already_is_said_before_the_same_is_planned_again(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "2"
    shell.send(simulator, 3, campaign="c")
    shell(*RECALL, "--actor", "wang")
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    shell(*RECALL, "--actor", "zhao", "--at", later)
    seen = shell("recall", "--campaign", "c", "--reason", "again", "--dry-run")
    assert "recall 1 waits for a second person, of 3 of these messages" in seen.out
    assert re.search(r"recall 2 is set for .* and waits for a second person, of 3 of these messages", seen.out)
    plan = shell("recall", "--campaign", "c", "--reason", "again", "--dry-run", "--json").json
    assert [one["recall_id"] for one in plan["also_waiting"]] == [1, 2]
    shown = shell("show", "2").out
    assert "waits for a second person, and is set for" in shown
    assert "it starts the recall, if somebody has agreed" in shown
    assert re.search(r"recall 2 starts .*, only if somebody agrees before: ", shell("watch", "--once").out)


def test_why_somebody_did_not_agree_is_shown(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "0"
    shell.send(simulator, 1, campaign="c")
    shell(*RECALL, "--actor", "wang")
    shell("refuse", "1", "--reason", "the link is right", "--actor", "li")
    assert "li did not agree: the link is right" in shell("show", "1").out
    assert "to approve" not in shell("recalls").out


def test_a_recall_without_the_second_person_is_loud_until_another_one_has_reviewed_it(
    shell: Shell, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "0"
    shell.send(simulator, 1, campaign="c")
    ended = shell(*RECALL, "--break-glass", "--actor", "wang")
    assert ended.code == 0
    assert "wang broke the glass" in ended.out
    assert "wang broke the glass, nobody else has agreed: typo" in caplog.text
    assert 'ledger review 1 --reason "..."' in shell("show", "1").out
    listed = shell("recalls")
    assert ("to review" in listed.out, "that was needed: 1." in listed.err) == (True, True)
    assert (shell("review", "1", "--reason", "fine", "--actor", "wang").code, shell("review", "1").code) == (2, 2)
    assert shell("review", "1", "--reason", "it was right", "--actor", "li").code == 0
    shown = shell("show", "1")
    assert "li reviewed it" in shown.out
    assert "ledger review" not in shown.out
    listed = shell("recalls")
    assert ("to review" in listed.out, "was needed" in listed.err) == (False, False)
    assert "break_glass_by" in shell("recalls", "--csv").out
    assert shell("verify").code == 0


def test_a_policy_is_set_and_shown(shell: Shell) -> None:
    assert "no policy is set" in shell("policy", "show").err
    assert shell("policy", "set", "approval-recipients", "500", "--actor", "boss").code == 0
    assert "approval-recipients: 500, set by boss" in shell("policy", "show").out
    shell("policy", "set", "approval-recipients", "off", "--actor", "boss")
    (policy,) = shell("policy", "show", "--json").json
    assert (policy["name"], policy["value"], policy["set_by"]) == ("approval-recipients", None, "boss")
    for name, value in (("rate", "5"), ("approval-recipients", "-1"), ("approval-recipients", "1e3"), ("", "")):
        assert shell("policy", "set", name, value).code == 2
    assert shell("verify").code == 0


def test_a_token_that_does_not_work_or_may_not_is_refused(shell: Shell) -> None:
    made = shell("token", "create", "--name", "ann", "--role", "auditor", "--json").json["secret"]
    shell.variables["LEDGER_TOKEN"] = "ledger_unknown"
    assert "unknown or was revoked" in shell("approve", "1").err
    shell.variables["LEDGER_TOKEN"] = made
    assert "may not approve" in shell("approve", "1").err
    assert "cannot be read" in shell("approve", "1", "--token-file", "nowhere").err
    assert "may not recall" in shell("retry", "1", "--token-file", "-", stdin=made).err
    # Nobody falls back to a mere name.
    assert "holds no token" in shell("retry", "1", "--token-file", "-", stdin="\n").err


def test_a_token_that_is_bound_to_campaigns_takes_back_and_agrees_to_no_others(
    shell: Shell, simulator: Simulator
) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "0"
    for campaign in ("spring-1", "autumn"):
        shell.send(simulator, 1, campaign=campaign)
    for name in ("ann", "bea"):
        more = ("--owner", f"the owner of {name}", "--campaign", "spring-*", "--json")
        made = shell("token", "create", "--name", name, "--role", "admin", *more).json
        assert (made["owner"], made["campaigns"]) == (f"the owner of {name}", ["spring-*"])
        (shell.folder / name).write_text(made["secret"], encoding="utf-8")
    assert "ann of the owner of ann: admin, campaigns spring-*" in shell("token", "list").out
    ann, bea = (("--token-file", str(shell.folder / name)) for name in ("ann", "bea"))
    beyond = shell(*RECALL[:-3], "--campaign", "autumn", "--yes", *ann)
    assert (beyond.code, "may not touch messages of campaign 'autumn'" in beyond.err) == (2, True)
    assert shell(*RECALL[:-3], "--since", "2026-01-01T00:00:00Z", "--dry-run", "--json", *ann).json["eligible"] == 1
    for campaign in ("autumn", "spring-1"):
        assert shell(*RECALL[:-3], "--campaign", campaign, "--yes", "--actor", "wang").code == 10
    waiting = {
        one["campaigns"][0]: str(one["recall_id"]) for one in shell("recalls", "--json").json if one["actor"] == "wang"
    }
    autumn, spring = waiting["autumn"], waiting["spring-1"]
    refused = shell("approve", autumn, *bea)
    assert (refused.code, "out of bea's bounds" in refused.err) == (2, True)
    assert shell("approve", spring, *bea).code == 0


def test_what_waits_for_a_second_person_is_on_top_of_newer_recalls(shell: Shell, simulator: Simulator) -> None:
    shell.variables["LEDGER_APPROVAL_RECIPIENTS"] = "1"
    shell.send(simulator, 2, campaign="c")
    shell(*RECALL, "--actor", "wang")
    shell.send(simulator, 1, campaign="small")
    assert shell("recall", "--campaign", "small", "--reason", "newer", "--yes").code == 0
    for command in (("recalls",), ("recalls", "--all")):
        rows = [line for line in shell(*command).out.splitlines() if "to approve" in line or "newer" in line]
        assert ["to approve" in row for row in rows] == [True, False]
