"""`recall` and what follows it: every exit code, with what stdout and stderr hold."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger import Ledger, Settings
from ledger.simulator import BadKey, FailedReason, Simulator

from .conftest import Shell

RECALL = ("recall", "--reason", "typo", "--campaign", "c")


def test_all_recalled_is_exit_0_and_one_document(shell: Shell, simulator: Simulator) -> None:
    keys = shell.send(simulator, 45, campaign="c")
    ended = shell.real(*RECALL, "--yes", "--json")
    assert (ended.code, ended.json["status"], ended.json["recalled"]) == (0, "finished", 45)
    assert "Recall 45 messages of c from 1 person\n" in ended.err
    assert all(message.recalled_at for message in simulator.world.messages())
    assert {item["process_query_key"] for item in shell("history", "--json").json} == set(keys)


def test_a_dry_run_prints_the_plan_and_calls_nothing(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="c", users=["a", "b"])
    ended = shell(*RECALL, "--dry-run", "--json")
    assert (ended.code, ended.json["status"], ended.json["eligible"]) == (0, "planned", 3)
    assert set(ended.json) >= {"calls", "quota", "robots", "recipients", "other_recipients", "first_deadline"}
    assert simulator.world.calls() == []


def test_a_reason_that_dingtalk_gives_is_exit_3_and_shown(shell: Shell, simulator: Simulator) -> None:
    keys = shell.send(simulator, 5, campaign="c")
    simulator.world.change(failed_reasons={keys[0]: FailedReason(reason="under legal hold", times=1)})
    ended = shell(*RECALL, "--yes")
    assert ended.code == 3
    assert "4 of 5 recalled, 1 refused" in ended.out
    assert "under legal hold" in ended.out
    assert "ledger retry 1" in ended.out
    again = shell("retry", "1", "--json")
    assert (again.code, again.json["recalled"], again.json["refused"]) == (0, 5, 0)
    assert shell("retry", "1").code == 4


def test_nothing_eligible_is_exit_4_and_says_why(shell: Shell, simulator: Simulator) -> None:
    ended = shell(*RECALL, "--yes", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (4, "nothing_eligible")
    assert "no message that fits" in ended.json["error"]["message"]
    shell.send(simulator, 2, campaign="c", age=timedelta(hours=25))
    assert "2 messages are expired" in shell(*RECALL).err
    # What nobody could run is not among the recalls, nor in the history.
    assert (shell("recalls", "--json").json, shell("verify", "--json").json["entries"]) == ([], 0)
    plan = shell(*RECALL, "--dry-run", "--json")
    assert (plan.code, plan.json["eligible"], plan.json["expired"]) == (4, 0, 2)
    shell.send(simulator, 1, campaign="d")
    assert shell("recall", "--campaign", "d", "--reason", "x", "--yes").code == 0
    assert "1 message is recalled already" in shell("recall", "--campaign", "d", "--reason", "x", "--yes").err


def test_messages_that_others_got_too_are_spared_until_somebody_says_so(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, users=["a", "b", "c"], campaign="c")
    words = ("recall", "--user", "a", "--reason", "left the company", "--yes")
    ended = shell(*words)
    assert ended.code == 4
    assert "--include-shared" in ended.err
    assert "2 other people" in shell(*words, "--include-shared", "--dry-run").out
    assert shell(*words, "--include-shared").code == 0


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ({"permission_missing": True}, "permission"),
        ({"ip_refused": True}, "address_not_allowed"),
        ({"monthly_quota": 0}, "quota_used_up"),
    ],
)
def test_what_somebody_has_to_mend_pauses_with_exit_5_and_resume_goes_on(
    shell: Shell, simulator: Simulator, trouble: dict[str, object], code: str
) -> None:
    shell.send(simulator, 2, campaign="c")
    simulator.world.change(**trouble)
    ended = shell(*RECALL, "--yes", "--json")
    assert (ended.code, ended.json["status"], ended.json["error"]["code"]) == (5, "paused", code)
    assert ended.json["pending"] == 2
    simulator.world.change(permission_missing=False, ip_refused=False, monthly_quota=None)
    resumed = shell("resume", "--json")
    assert (resumed.code, resumed.json["recalled"]) == (0, 2)
    assert shell("resume", "--json").code == 4


def test_missing_credentials_pause_too(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    shell.variables |= {"LEDGER_APP_KEY": "", "LEDGER_APP_SECRET": ""}
    ended = shell(*RECALL, "--yes", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (5, "credentials")


def test_without_a_terminal_somebody_has_to_say_yes_beforehand(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="c")
    ended = shell.real(*RECALL, stdin=b"y\n")
    assert ended.code == 10
    assert "nothing was recalled" in ended.err
    assert "--yes" in ended.err
    assert shell(*RECALL, "--json").json["error"]["code"] == "not_confirmed"
    assert simulator.world.calls() == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--reason", "x"), "nothing is selected"),
        (("--campaign", "c"), "--reason"),
        (("--campaign", "c", "--reason", "  "), "needs a reason"),
        (("--campaign", "c", "--reason", "x" * 2001), "the reason has 2,001 characters, and at most 2,000 fit"),
        (("--campaign", "c", "--reason", "x\udcff"), "the reason holds a NUL or half of a surrogate pair"),
        (("--campaign", "c", "--reason", "x", "--actor", "a" * 257), "the actor has 257 characters"),
        (("--campaign", "c" * 257, "--reason", "x"), "campaign has 257 characters"),
        (("--campaign", "", "--robot", "r", "--reason", "x"), "--campaign is empty"),
        (("--user", "", "--reason", "x"), "--user is empty"),
        (("--keys-file", "", "--reason", "x"), "--keys-file is empty"),
        (("--campaign", "c", "--since", "2026-03-01T10:00:00", "--reason", "x"), "no zone"),
        (("--campaign", "c", "--until", "yesterday", "--reason", "x"), "is not a time"),
        (("--keys-file", "/nowhere", "--reason", "x"), "cannot be read"),
        (("--keys-file", "-", "--campaign", "c", "--reason", "x"), "holds no key"),
        (("c", "--reason", "x"), "an argument too many: 'c'"),
    ],
)
def test_a_recall_that_is_not_clear_is_refused(shell: Shell, words: tuple[str, ...], text: str) -> None:
    ended = shell("recall", *words, "--yes")
    assert (ended.code, ended.out) == (2, "")
    assert text in " ".join(ended.err.split())
    document = shell("recall", *words, "--yes", "--json")
    assert (document.code, set(document.json)) == (2, {"error"})


@pytest.mark.parametrize("words", [("show", "9"), ("resume", "9"), ("retry", "9"), ("cancel", "9"), ("unstick", "9")])
def test_a_recall_that_does_not_exist_is_refused(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell(*words, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "unknown_recall")


def test_keys_come_from_a_file_or_from_stdin(shell: Shell, simulator: Simulator, tmp_path: Path) -> None:
    one, two, three = shell.send(simulator, 3, campaign="c")
    (tmp_path / "keys").write_text(f"\ufeff{one}\r\n\n", encoding="utf-8")
    recalled = shell("recall", "--keys-file", str(tmp_path / "keys"), "--key", two, "--reason", "x", "--yes", "--json")
    assert recalled.json["recalled"] == 2
    last = shell("recall", "--keys-file", "-", "--reason", "x", "--yes", "--json", stdin=three)
    assert last.json["recalled"] == 1


def test_a_time_window_narrows(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="c", age=timedelta(hours=3))
    shell.send(simulator, 1, campaign="c", age=timedelta(minutes=1))
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert shell(*RECALL, "--since", since, "--dry-run", "--json").json["eligible"] == 1
    assert shell(*RECALL, "--until", since, "--dry-run", "--json").json["eligible"] == 2


def test_cancelling_ends_what_waits_and_is_exit_0(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="c")
    simulator.world.change(permission_missing=True)
    assert shell(*RECALL, "--yes").code == 5
    ended = shell("cancel", "1", "--actor", "boss", "--json")
    assert (ended.code, ended.json["status"], ended.json["cancelled"]) == (0, "cancelled", 2)
    assert shell("resume", "1").code == 2


def test_of_several_waiting_recalls_the_soonest_deadline_is_resumed_first(shell: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    for name, hours in (("c", 2), ("d", 20), ("e", 10)):
        shell.send(simulator, 1, campaign=name, age=timedelta(hours=hours))
        assert shell("recall", "--campaign", name, "--reason", "x", "--yes").code == 5
    simulator.world.change(permission_missing=False)
    ended = shell("resume", "--json")
    assert (ended.code, [result["recall_id"] for result in ended.json]) == (0, [2, 3, 1])


def test_a_recall_that_another_one_took_along_is_not_done_twice(shell: Shell, simulator: Simulator) -> None:
    simulator.world.change(permission_missing=True)
    for name in ("c", "d"):
        shell.send(simulator, 1, campaign=name)
        assert shell("recall", "--campaign", name, "--reason", "x", "--yes").code == 5
    simulator.world.change(permission_missing=False)
    # As after a crash: it runs, and nobody is at it.
    with sqlite3.connect(shell.folder / "ledger.sqlite") as connection:
        connection.execute("UPDATE recalls SET status = 'running' WHERE id = 2")
    connection.close()
    ended = shell("resume", "--json")
    assert (ended.code, [result["status"] for result in ended.json]) == (0, ["finished", "finished"])
    asked = [key for call in simulator.world.calls() for key in call.keys if call.path.endswith("batchRecall")]
    assert shell("resume").code == 4
    assert len(shell("show", "2", "--json").json["calls"]) == 2
    assert len(asked) == 4


def test_calls_beyond_the_smallest_number_are_said(shell: Shell, simulator: Simulator) -> None:
    simulator.world.change(bad_key=BadKey.WHOLE_CALL_400)
    shell.send(simulator, 19, campaign="c")
    assert "enough" not in shell(*RECALL, "--yes").out
    shell.send(simulator, 19, campaign="c")
    shell.write_down(["wrong"], at=datetime.now(UTC) - timedelta(hours=1), campaign="c")
    ended = shell(*RECALL, "--yes")
    assert "(1 would have been enough without trouble)" in ended.out
    assert "(1 would have been enough without trouble)" in shell("show", "2").out


def test_the_actor_is_named_or_taken_from_the_environment(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="c")
    shell(*RECALL, "--actor", "ann", "--dry-run")
    shell(*RECALL, "--dry-run")
    assert [result["actor"] for result in shell("recalls", "--json").json] == ["tester", "ann"]


def test_one_bad_key_does_not_sink_the_others(shell: Shell, simulator: Simulator) -> None:
    simulator.world.change(bad_key=BadKey.WHOLE_CALL_400)
    shell.send(simulator, 19, campaign="c")
    shell.write_down(["wrong"], at=datetime.now(UTC), campaign="c")
    ended = shell(*RECALL, "--yes", "--json")
    assert (ended.code, ended.json["recalled"], ended.json["refused"]) == (3, 19, 1)
    report = shell("show", "1", "--json").json
    assert len(report["items"]) == 20
    assert len(report["calls"]) == report["call_count"] > 1
    assert json.dumps(report).count("invalid.processQueryKey") > 1


@pytest.mark.parametrize("as_json", [False, True])
def test_other_recalls_that_are_carried_on_are_named_before_while_and_after(
    shell: Shell, simulator: Simulator, as_json: bool
) -> None:
    shell.send(simulator, 30, campaign="left alone", age=timedelta(hours=2))
    shell.send(simulator, 30, campaign="c")
    with Ledger(Settings.load(database_url=shell.environment["LEDGER_DATABASE_URL"], app_key="k")) as book:
        left = book.plan(campaign="left alone", reason="its process went away").recall_id
        book.parts.lifecycle.start(left)
    ended = shell(*RECALL, "--yes", *(["--json"] if as_json else []))
    assert ended.code == 0
    before, _, _ = (ended.err if as_json else ended.out).partition("has finished")
    assert f"recall {left}, running already: nearer deadlines go first" in " ".join(before.split())
    assert f"also carries on recall {left}\n" in ended.err
    if as_json:
        assert ended.json["beside"] == [left]
    else:
        assert f"calls were made of recall {left}, which was running" in " ".join(ended.out.split())
    alone = shell("show", str(left), "--json")
    assert alone.json["recalled"] > 0


def test_a_plan_runs_exactly_as_it_was_shown_and_once(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 3, campaign="c")
    shown = shell(*RECALL, "--dry-run", "--json").json
    assert shown["stops"] == []
    later = shell.send(simulator, 1, campaign="c")
    run = ("recall", "--plan", str(shown["recall_id"]), "--token", shown["token"], "--yes", "--json")
    ended = shell(*run)
    assert (ended.code, ended.json["recall_id"], ended.json["recalled"]) == (0, shown["recall_id"], 3)
    assert later[0] not in {item["process_query_key"] for item in shell("history", "--json").json}
    again = shell(*run)
    assert (again.code, again.json["error"]["code"]) == (2, "wrong_state")


def test_a_plan_that_was_shown_is_shown_again_and_confirmed_by_hand(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 2, campaign="c")
    shown = shell(*RECALL, "--dry-run")
    line = next(line for line in shown.err.splitlines() if line.startswith("ledger recall --plan"))
    ended = shell.typed("2", *line.split()[1:])
    assert "Recall 2 messages of c from 1 person" in ended.err + ended.out
    assert (ended.code, "2 of 2 recalled" in ended.out) == (0, True)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--token", "plan_wrong"), "plan_token_wrong"),
        ((), "input"),
        (("--token", "plan_wrong", "--campaign", "c"), "input"),
        (("--token", "plan_wrong", "--reason", "another"), "input"),
        (("--token", "plan_wrong", "--dry-run"), "input"),
    ],
)
def test_a_plan_with_a_wrong_token_or_more_beside_it_runs_nothing(
    shell: Shell, simulator: Simulator, more: tuple[str, ...], code: str
) -> None:
    shell.send(simulator, 1, campaign="c")
    shell(*RECALL, "--dry-run", "--json")
    ended = shell("recall", "--plan", "1", "--yes", "--json", *more)
    assert (ended.code, ended.json["error"]["code"]) == (2, code)
    assert simulator.world.calls() == []


def test_a_recall_without_a_reason_is_refused(shell: Shell) -> None:
    ended = shell("recall", "--campaign", "c", "--yes")
    assert (ended.code, "--reason is missing" in ended.err) == (2, True)


def test_a_campaign_that_looks_like_the_one_that_is_meant_stands_in_its_plan(
    shell: Shell, simulator: Simulator
) -> None:
    for campaign in ("spring-promo", "Spring-promo", "spring-pormo", "autumn"):
        shell.send(simulator, 1, campaign=campaign)
    plan = ("recall", "--campaign", "spring-promo", "--reason", "typo", "--dry-run")
    assert shell(*plan, "--json").json["look_alikes"] == [
        {"campaign": "Spring-promo", "differs_in": "case"},
        {"campaign": "spring-pormo", "differs_in": "spelling"},
    ]
    shown = shell(*plan).out
    assert "Spring-promo: another campaign, in upper or lower case" in shown
    assert shell("recall", "--user", "nobody", "--reason", "typo", "--dry-run", "--json").json["look_alikes"] == []


def test_a_beginning_of_campaigns_takes_those_that_the_plan_lists_and_the_history_keeps_their_names(
    shell: Shell, simulator: Simulator
) -> None:
    for campaign in ("spring-a", "spring-b", "spring*", "summer", "winter"):
        shell.send(simulator, 1, campaign=campaign)
    dry = ("recall", "--reason", "typo", "--dry-run", "--campaign")
    several = shell(*dry, "spring-*", "--campaign", "summer")
    assert [one for one in ("spring-a: 1 message", "spring-b: 1 message", "summer: 1 message") if one in several.out]
    assert "winter" not in several.out
    literal = shell(*dry, "spring\\*", "--json").json
    assert literal["by_campaign"] == [{"campaign": "spring*", "messages": 1, "deliveries": 1}]
    assert "every campaign" in shell(*dry, "*").err
    assert shell("recall", "--reason", "typo", "--campaign", "spring-*", "--yes").code == 0
    (newest,) = shell("recalls", "--json", "--limit", "1").json
    assert newest["campaigns"] == ["spring-a", "spring-b"]
    assert shell("verify").code == 0
    people = shell("people", "--campaign", "spring-*", "--json").json
    assert [(one["messages"], one["recalled"]) for one in people] == [(2, 2)]


def test_where_it_is_kept_a_plan_and_the_campaigns_say_what_the_messages_say(shell: Shell, tmp_path: Path) -> None:
    shell.variables["LEDGER_KEEP_EXCERPT"] = "true"
    rows = tmp_path / "rows.jsonl"
    row = {"processQueryKey": "k", "robotCode": "dingbot", "userIds": ["a"], "campaign": "c", "excerpt": "Spring sale"}
    rows.write_text(json.dumps({**row, "sentAt": datetime.now(UTC).isoformat()}), "utf-8")
    assert shell("import", str(rows)).code == 0
    shown = shell(*RECALL, "--dry-run", "--json").json
    assert shown["excerpts"] == [{"excerpt": "Spring sale", "messages": 1}]
    assert "“Spring sale” (1 message)" in shell(*RECALL, "--dry-run").out
    run = ("recall", "--plan", str(shown["recall_id"]), "--token", shown["token"])
    assert "“Spring sale” (1 message)" in shell.typed("n", *run).out
    assert shell("campaigns", "--json").json[0]["excerpt"] == "Spring sale"
    assert "Spring sale" in shell("campaigns").out


def test_a_beginning_that_takes_look_alikes_along_says_so_and_lists_them_in_the_order_of_the_headline(
    shell: Shell, simulator: Simulator
) -> None:
    for age, campaign in enumerate(("spring-zoo", "spring-prom0", "spring-promo")):
        shell.send(simulator, 1, campaign=campaign, age=timedelta(hours=9 - age))
    plan = ("recall", "--campaign", "spring-*", "--reason", "typo", "--dry-run")
    found = shell(*plan, "--json").json
    assert found["like_pairs"] == [{"campaigns": ["spring-prom0", "spring-promo"], "differs_in": "letters"}]
    assert [one["campaign"] for one in found["by_campaign"]] == ["spring-prom0", "spring-promo", "spring-zoo"]
    for columns in (60, 80, 120):
        shown = " ".join(" ".join(shell.seen(columns, *plan)).split())
        assert "of spring-prom0, spring-promo and 1 more" in shown
        assert "BOTH OF THEM spring-prom0 spring-promo differ only in letters that look the same" in shown


def test_a_campaign_that_looks_like_several_is_named_with_what_makes_it_most_alike(
    shell: Shell, simulator: Simulator
) -> None:
    for name in ("news-1", "news-2", "News-1"):
        shell.send(simulator, 1, campaign=name)
    plan = shell("recall", "--campaign", "news-1", "--campaign", "news-2", "--reason", "r", "--dry-run", "--json").json
    assert plan["look_alikes"] == [{"campaign": "News-1", "differs_in": "case"}]
