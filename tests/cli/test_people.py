"""`ledger people`: who has it, who lost it, who never got it; and what a recall says of that in its report."""

import csv
import io
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from ledger.simulator import FailedReason, Simulator

from .conftest import Shell


@pytest.fixture
def detail(shell: Shell, simulator: Simulator) -> Shell:
    """A recall of three messages, of which one was refused: ann lost both of hers, bob one of two, eve kept hers."""
    shell.send(simulator, 1, campaign="spring", users=["ann"], age=timedelta(hours=3))
    shell.send(simulator, 1, campaign="spring", users=["ann", "bob"], age=timedelta(hours=2))
    (refused,) = shell.send(simulator, 1, campaign="spring", users=["bob", "eve"])
    simulator.world.change(failed_reasons={refused: FailedReason(reason="no")})
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--yes").code == 3
    return shell


def test_a_recall_answers_in_people_right_away_and_whenever_it_is_shown(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring", users=["ann", "bob"])
    (refused,) = shell.send(simulator, 1, campaign="spring", users=["bob"])
    simulator.world.change(failed_reasons={refused: FailedReason(reason="no")})
    ended = shell("recall", "--campaign", "spring", "--reason", "typo", "--yes")
    assert "1 of 2 people lost it; 1 still has it: bob\n" in ended.out
    assert "1 of 2 people lost it; 1 still has it: bob\n" in shell("show", "1").out
    simulator.world.change(failed_reasons={})
    assert "all 2 people lost it\n" in shell("retry", "1").out
    people = {"people": 2, "lost": 2, "left": 0, "unknown": 0, "never": 0, "still": []}
    assert shell("show", "1", "--json").json["people"] == people


def test_people_are_one_person_a_line_of_a_selection_or_a_recall(detail: Shell) -> None:
    expected = [
        {"user": "ann", "messages": 2, "recalled": 2, "left": 0, "unknown": 0, "undelivered": 0},
        {"user": "bob", "messages": 2, "recalled": 1, "left": 1, "unknown": 0, "undelivered": 0},
        {"user": "eve", "messages": 1, "recalled": 0, "left": 1, "unknown": 0, "undelivered": 0},
    ]
    for whose in (("--campaign", "spring"), ("--recall", "1"), ("--user", "ann", "--user", "eve")):
        assert detail("people", *whose, "--json").json == expected
    ended = detail("people", "--recall", "1", "--jsonl", "--limit", "1")
    assert [json.loads(line) for line in ended.out.splitlines()] == expected[:1]
    table = detail("people", "--recall", "1").out.splitlines()
    assert table[0] == "1 of 3 people lost it; 2 still have it: bob, eve."
    assert [row.split()[0] for row in table[1:]] == ["user", "ann", "bob", "eve"]


def test_people_can_be_narrowed_to_who_still_has_it_or_whose_message_ended_so(detail: Shell) -> None:
    def users(*more: str) -> list[str]:
        return [one["user"] for one in detail("people", "--recall", "1", *more, "--json").json]

    assert users("--only", "left") == users("--outcome", "refused") == ["bob", "eve"]
    assert users("--only", "lost") == ["ann"]
    assert users("--outcome", "recalled") == ["ann", "bob"]
    assert users("--only", "unknown") == users("--only", "never") == []


def test_people_as_csv_and_as_a_workbook_that_nobody_else_can_read(detail: Shell, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(detail("people", "--recall", "1", "--csv").out)))
    assert rows[:2] == [["user", "messages", "recalled", "left", "unknown", "undelivered"], ["ann", *"22000"]]
    book = tmp_path / "people.xlsx"
    assert detail("people", "--recall", "1", "--xlsx", str(book)).code == 0
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    assert CalamineWorkbook.from_path(str(book)).get_sheet_by_name("People").to_python()[1] == ["ann", 2, 2, 0, 0, 0]
    again = detail("people", "--recall", "1", "--xlsx", str(book))
    assert (again.code, "name a new file" in again.err) == (2, True)


def test_people_without_a_selection_or_with_two_are_refused(detail: Shell) -> None:
    assert "nothing is selected" in detail("people").err
    for more in (["--recall", "1", "--user", "ann"], ["--user", "ann", "--outcome", "refused"]):
        assert detail("people", *more).code == 2
    assert detail("people", "--recall", "9").code == 2
    assert detail("people", "--recall", "1", "--json", "--csv").code == 2
    assert detail("people", "--campaign", "nothing").err == (
        "there is nobody who fits. The ledger holds nothing of campaign nothing\n"
    )


def test_a_slip_in_a_name_is_answered_with_the_names_that_there_are(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring-promo", users=["zhang.san"])
    campaign = "The ledger holds nothing of campaign sprng-promo: did you mean spring-promo?"
    for command in (
        ["recall", "--reason", "typo"],
        ["recall", "--reason", "typo", "--dry-run"],
        ["people"],
        ["messages"],
    ):
        assert campaign in shell(*command, "--campaign", "sprng-promo").err
    assert "Nothing of late reached user zhangsan: did you mean zhang.san?" in shell("people", "--user", "zhangsan").err
    one_of_two = ("--campaign", "spring-promo", "--campaign", "sprng-promo")
    dry = shell("recall", *one_of_two, "--reason", "typo", "--dry-run")
    assert (
        dry.code,
        "note: the ledger holds nothing of campaign sprng-promo: did you mean spring-promo?" in dry.err,
    ) == (0, True)
