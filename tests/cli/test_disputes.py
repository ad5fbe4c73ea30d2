"""`ledger show` marks what the latest `ledger verify` found to be something else than the history says."""

import sqlite3

import pytest

from ledger.simulator import Simulator

from .conftest import Shell


@pytest.fixture
def edited(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger in which somebody has changed how a message ended, and a call."""
    shell.send(simulator, 2, campaign="spring")
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--yes").code == 0
    change(shell, "UPDATE recall_items SET outcome = 'refused' WHERE id = 2")
    change(shell, "UPDATE recall_calls SET http_status = 500")
    return shell


def change(shell: Shell, statement: str) -> None:
    with sqlite3.connect(shell.folder / "ledger.sqlite") as connection:
        connection.execute(statement)


def test_show_says_so_on_top_and_marks_the_message_and_the_call(edited: Shell) -> None:
    edited.variables["COLUMNS"] = "160"
    assert "DISPUTED" not in edited("show", "1").out
    assert edited("verify").code == 1
    lines = edited("show", "1").out.splitlines()
    assert lines[0].startswith("DISPUTED: 2 values below are not what the history says, checked ")
    assert lines[1].startswith("  disputed: item ")
    assert lines[1].endswith(": the history says outcome recalled")
    marked = [line for line in lines if "disputed: the history says" in line]
    assert ["refused" in line for line in marked] == [True, False]
    assert "the history says http status 200" in marked[1]


def test_json_holds_the_marks_and_a_clean_check_takes_them_away(edited: Shell) -> None:
    assert edited("audit", "verify").code == 1
    found = edited("show", "1", "--json").json["disputes"]
    assert (set(found), found["are_all"]) == ({"checked_at", "values", "are_all"}, True)
    assert [(one["what"], one["field"], one["history_says"]) for one in found["values"]] == [
        ("item", "outcome", "recalled"),
        ("call", "http_status", 200),
    ]
    change(edited, "UPDATE recall_items SET outcome = 'recalled'")
    change(edited, "UPDATE recall_calls SET http_status = 200")
    assert edited("verify").code == 0
    assert edited("show", "1", "--json").json["disputes"] is None
    assert "DISPUTED" not in edited("show", "1").out
