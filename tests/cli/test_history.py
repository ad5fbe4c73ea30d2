"""`history`, `show`, `recalls`, `campaigns`, `verify`, `purge`, `doctor`, `db`: what is read, and by whom."""

import csv
import io
import json
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from ledger.simulator import FailedReason, Simulator

from .conftest import ROBOT, Shell


@pytest.fixture
def detail(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger with a recall of four messages behind it, one of them refused, and an expired message."""
    keys = shell.send(simulator, 4, campaign="spring", users=["a", "b"])
    simulator.world.change(failed_reasons={keys[0]: FailedReason(reason="no, really")})
    shell.send(simulator, 1, campaign="spring", age=timedelta(hours=25))
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--actor", "ann", "--yes").code == 3
    return shell


def test_history_is_one_document_and_can_be_narrowed(detail: Shell) -> None:
    everything = detail("history", "--json")
    assert (everything.err, len(everything.json)) == ("", 4)
    assert len(detail("history", "--outcome", "refused", "--json").json) == 1
    assert len(detail("history", "--limit", "2", "--json").json) == 2
    assert detail("history", "--actor", "bob", "--json").json == []
    assert len(detail("history", "--user", "b", "--actor", "ann", "--campaign", "spring", "--json").json) == 4
    assert detail("history", "--outcome", "wrong").code == 2
    assert detail("history", "--csv", "--json").code == 2


def test_history_as_csv_has_a_header_and_verbatim_values(detail: Shell) -> None:
    ended = detail.real("history", "--csv")
    assert ended.out.count("\r\n") == 5
    rows = list(csv.DictReader(io.StringIO(ended.out, newline="")))
    assert [row["recipients"] for row in rows] == ["a b"] * 4
    assert {row["reason"] for row in rows if row["outcome"] == "refused"} == {"no, really"}


def test_history_for_spreadsheets_has_a_byte_order_mark_and_no_formula(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="=1+1", users=["007", "b"])
    shell("recall", "--campaign", "=1+1", "--reason", "+x", "--actor", "ann", "--yes")
    ended = shell.real("history", "--excel", "--per-person")
    assert ended.out.startswith("\ufeffprocess_query_key,")
    rows = list(csv.DictReader(io.StringIO(ended.out[1:], newline="")))
    assert [(row["campaign"], row["recall_reason"], row["user"]) for row in rows] == [
        ("'=1+1", "'+x", "'007"),
        ("'=1+1", "'+x", "b"),
    ]
    raw = shell.real("history", "--csv", "--raw").out
    assert raw == shell.real("history", "--csv").out
    assert next(csv.DictReader(io.StringIO(raw, newline="")))["campaign"] == "=1+1"


def test_history_as_lines_of_json_are_the_elements_of_the_document(detail: Shell) -> None:
    lines = detail("history", "--jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == detail("history", "--json").json
    assert {json.loads(line)["recall_reason"] for line in lines} == {"typo"}


@pytest.mark.parametrize(
    "words",
    ["--csv --jsonl", "--json --jsonl", "--excel --json", "--excel --raw", "--raw", "--per-person"],
)
def test_ways_of_writing_the_history_that_make_no_sense_together_are_refused(shell: Shell, words: str) -> None:
    assert shell("history", *words.split()).code == 2


def test_history_outlives_the_purge(detail: Shell) -> None:
    assert detail("purge", "--json").json == {"purged": 1}
    assert detail("purge").out == "0 messages deleted\n"
    with sqlite3.connect(detail.folder / "ledger.sqlite") as connection:
        connection.execute("UPDATE messages SET deadline = '2020-01-01 00:00:00.000000'")
    connection.close()
    assert detail("purge", "--json").json["purged"] == 4
    assert detail("campaigns", "--json").json == []
    assert len(detail("history", "--json").json) == 4
    assert len(detail("show", "1", "--json").json["items"]) == 4


def test_the_purge_also_lets_go_what_is_older_than_the_history_is_kept(detail: Shell) -> None:
    detail.variables["LEDGER_HISTORY_DAYS"] = "400"
    assert detail("purge", "--json").json == {"purged": 1, "left": {"entries": 0, "recalls": 0}}
    assert "0 entries and 0 recalls have left the history" in detail("purge").out
    detail.variables["LEDGER_HISTORY_DAYS"] = "1"
    refused = detail("purge")
    assert (refused.code, "LEDGER_HISTORY_DAYS" in refused.err) == (2, True)


def test_a_history_that_somebody_rewrote_is_found_out(detail: Shell) -> None:
    whole = detail("verify", "--json")
    assert (whole.code, whole.json["ok"]) == (0, True)
    assert whole.json["last_digest"] in detail("verify").out
    with sqlite3.connect(detail.folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER IF EXISTS recall_items_kept")
        connection.execute("UPDATE recall_items SET outcome = 'recalled' WHERE outcome = 'refused'")
    connection.close()
    broken = detail("verify", "--json")
    assert (broken.code, broken.json["ok"], broken.json["disputed"]) == (1, False, 1)
    assert "rewritten" in detail("verify").err


def test_an_empty_ledger_says_so_to_people_and_gives_scripts_empty_lists(shell: Shell) -> None:
    for command in ("campaigns", "recalls", "history"):
        assert shell(command, "--json").json == []
        ended = shell(command)
        assert (ended.code, ended.out) == (0, "")
        assert ended.err


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_number_that_no_database_can_hold_is_no_recall_and_no_bound(detail: Shell, number: int) -> None:
    for words in (("show",), ("cancel",), ("retry",), ("resume",), ("approve",), ("refuse",), ("unstick",)):
        ended = detail(*words, str(number), *(("--reason", "no") if words == ("refuse",) else ()))
        assert (ended.code, "unexpected" in ended.err) == (2, False), ended.err
        assert f"there is no recall {number}" in ended.err
    assert detail("history", "--limit", str(number), "--json").code == 0
    assert detail("recalls", "--limit", str(number), "--json").code == 0


def test_a_reader_who_has_seen_enough_is_no_error(detail: Shell) -> None:
    for form in ("--json", "--csv"):
        words = " ".join(detail.command("history", form))
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {words} | true"],
            env=detail.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_the_doctor_is_content_with_a_whole_house(detail: Shell, simulator: Simulator) -> None:
    ended = detail("doctor", "--json")
    assert (ended.code, ended.json["ok"]) == (0, True), ended.out
    simulator.world.change(permission_missing=True)
    ill = detail("doctor")
    assert ill.code == 1
    assert "FAILED   permission" in ill.out


def test_the_version_of_the_tables(shell: Shell) -> None:
    (shell.folder / "ledger.sqlite").unlink()
    assert shell("db", "current").out == "no tables\n"
    lacking = shell("db", "check")
    assert lacking.code == 1
    assert "ledger db upgrade" in " ".join(lacking.err.split())
    assert shell("db", "upgrade").code == 0
    assert shell("db", "check").code == 0
    assert "already" in shell("db", "upgrade").out
    with sqlite3.connect(shell.folder / "ledger.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "newer" in shell("db", "check").err
    assert shell("campaigns").code == 1


def test_no_line_is_longer_than_the_screen(detail: Shell, simulator: Simulator) -> None:
    name = "a-campaign-with-a-very-long-name-of-november-2026"
    detail.send(simulator, 12, campaign=name, users=[f"u{n}" for n in range(900)])
    detail.send(simulator, 2, campaign="年终活动通知,请大家查看,谢谢大家的支持与配合")
    for words in (
        ("campaigns",),
        ("recall", "--campaign", name, "--reason", "a reason of many words " * 5, "--dry-run"),
        ("recall", "--campaign", name, "--reason", "a reason of many words " * 5, "--yes"),
        ("recalls",),
        ("history",),
    ):
        for line in detail.seen(80, *words):
            assert cell_len(line) <= 80, line
            assert "\x1b" not in line
    assert "22 h 59 min" in detail("campaigns").out
    assert "CST" in detail("campaigns").out


def test_show_names_everything_for_people(detail: Shell) -> None:
    out = detail("show", "1").out
    for part in ("3 of 4 recalled", "no, really", "typo", "ann", "campaign spring", "1 expired", "answered", "refused"):
        assert part in out
    assert ROBOT not in out


def test_show_says_why_a_recall_was_paused(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring")
    simulator.world.change(permission_missing=True)
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--yes").code == 5
    simulator.world.change(permission_missing=False)
    assert shell("resume", "1", "--actor", "ann").code == 0
    out = shell("show", "1").out
    assert "paused by the ledger: the app lacks a permission" in out
    assert "finished by worker\n" in out
    (paused,) = [entry for entry in shell("show", "1", "--json").json["timeline"] if entry["event"] == "paused"]
    assert paused["cause"]["code"] == "permission"


def test_recalls_show_their_time_and_plans_of_dry_runs_only_when_asked(detail: Shell, simulator: Simulator) -> None:
    detail.send(simulator, 2, campaign="summer")
    detail("recall", "--campaign", "summer", "--reason", "only looking", "--dry-run")
    plain = detail("recalls")
    assert "started" in plain.out
    assert ("typo" in plain.out, "only looking" in plain.out) == (True, False)
    assert "1 plan that nobody has run is left out: --all" in plain.err
    assert "planned" in detail("recalls", "--all").out
    assert [recall["status"] for recall in detail("recalls", "--json").json] == ["planned", "finished"]


def test_recalls_and_history_are_narrowed_by_time_actor_campaign_and_state(detail: Shell) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for words in (
        ("--actor", "ann"),
        ("--campaign", "spring"),
        ("--recalled-until", later),
        ("--recalled-since", "2026-01-01T00:00:00Z"),
    ):
        assert len(detail("recalls", *words, "--json").json) == 1, words
        assert len(detail("history", *words, "--json").json) == 4, words
    for words in (("--actor", "bob"), ("--campaign", "autumn"), ("--recalled-since", later)):
        assert detail("recalls", *words, "--json").json == [], words
        assert detail("history", *words, "--json").json == [], words
        assert "no such recall" in detail("recalls", *words).err
    assert "typo" in detail("recalls", "--status", "finished", "--status", "running").out
    assert detail("recalls", "--status", "paused").out == ""
    for command in ("recalls", "history"):
        assert "--recalled-since is empty" in detail(command, "--recalled-since", "").err
        assert detail(command, "--recalled-since", "2026-01-01T00:00:00").code == 2


def test_recalls_as_csv_have_a_row_each_with_every_count(detail: Shell) -> None:
    (row,) = csv.DictReader(io.StringIO(detail.real("recalls", "--csv").out, newline=""))
    assert (row["recall_id"], row["status"], row["campaigns"], row["reason"], row["actor"]) == (
        "1",
        "finished",
        "spring",
        "typo",
        "ann",
    )
    assert (row["eligible"], row["recalled"], row["refused"], row["approved_by"]) == ("4", "3", "1", "")
    assert detail("recalls", "--excel").out.startswith("\ufeffrecall_id,")
    assert [json.loads(line) for line in detail("recalls", "--jsonl").out.splitlines()] == detail(
        "recalls", "--json"
    ).json
    for others in ("--json", "--jsonl"):
        assert detail("recalls", "--csv", others).code == 2


def test_a_plan_names_the_recall_that_holds_its_messages(detail: Shell, simulator: Simulator) -> None:
    detail.send(simulator, 2, campaign="summer")
    simulator.world.change(permission_missing=True)
    assert detail("recall", "--campaign", "summer", "--reason", "oops", "--yes").code == 5
    ended = detail("recall", "--campaign", "summer", "--reason", "me too", "--dry-run")
    assert ended.code == 4
    assert "2 messages are in recall 2" in ended.err
    assert detail("recall", "--campaign", "summer", "--reason", "me too", "--dry-run", "--json").json["held_by"] == [2]


def test_verify_names_what_was_edited_what_the_history_says_and_what_is_shown(detail: Shell) -> None:
    with sqlite3.connect(detail.folder / "ledger.sqlite") as connection:
        connection.execute("UPDATE recall_items SET outcome = 'recalled', code = NULL WHERE outcome = 'refused'")
        connection.execute("UPDATE recall_items SET recipients = '[\"mallory\"]' WHERE id = 2")
        connection.execute("UPDATE recall_calls SET request_id = 'another', http_status = 500")
    connection.close()
    found = detail("verify", "--json").json
    named = {(one["what"], one["field"]): (one["chain"], one["shown"]) for one in found["findings"]}
    assert named["item", "outcome"] == ("refused", "recalled")
    assert named["item", "recipients"][1] == ["mallory"]
    assert named["call", "http_status"] == (200, 500)
    assert (found["disputed"], found["disputed_recalls"]) == (6, [1])
    people = detail("verify")
    assert people.code == 1
    for part in ("outcome", "refused", "mallory", "http_status", "500"):
        assert part in people.out
    assert max(map(len, detail.seen(80, "verify"))) <= 80


def test_a_name_that_the_history_does_not_know_leads_to_those_that_are_near(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring-promo", users=["zhang.san"])
    assert shell("recall", "--campaign", "spring-promo", "--reason", "typo", "--yes", "--actor", "wang.wu").code == 0
    near = {
        ("--campaign", "spring-pormo"): "did you mean spring-promo?",
        ("--user", "zhangsan"): "did you mean zhang.san?",
        ("--actor", "wangwu"): "did you mean wang.wu?",
    }
    for asked, said in near.items():
        ended = shell("history", *asked)
        assert (ended.code, ended.out) == (0, "")
        assert said in ended.err
