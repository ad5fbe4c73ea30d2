"""`ledger messages`: what is recorded and selected."""

import csv
import io
import json
from datetime import timedelta

from ledger.simulator import Simulator

from .conftest import Shell


def test_messages_are_listed_soonest_deadline_first_while_they_are_recorded(shell: Shell, simulator: Simulator) -> None:
    (later,) = shell.send(simulator, 1, campaign="spring", users=["ann"], age=timedelta(hours=1))
    (sooner,) = shell.send(simulator, 1, campaign="spring", users=["ann", "bob"], age=timedelta(hours=5))
    (over,) = shell.send(simulator, 1, campaign="spring", age=timedelta(hours=25))
    shell.send(simulator, 1, campaign="other")
    found = shell("messages", "--campaign", "spring", "--json")
    assert [one["process_query_key"] for one in found.json] == [over, sooner, later]
    assert [one["standing"] for one in found.json] == ["expired", "eligible", "eligible"]
    lines = shell("messages", "--campaign", "spring", "--recallable", "--limit", "1", "--jsonl").out.splitlines()
    assert [json.loads(line)["recipients"] for line in lines] == [["ann", "bob"]]
    rows = list(csv.DictReader(io.StringIO(shell("messages", "--user", "bob", "--csv").out)))
    assert [(row["process_query_key"], row["recipients"], row["standing"]) for row in rows] == [
        (sooner, "ann bob", "eligible")
    ]
    table = shell("messages", "--campaign", "spring").out.splitlines()
    assert table[0].split() == ["sent", "left", "to", "standing", "key"]
    assert "campaign" in shell("messages", "--user", "ann").out.splitlines()[0]
    assert "2 people" in table[2]
    assert "ann" in table[3]


def test_messages_of_nothing_selected_are_refused_and_of_nothing_found_said(shell: Shell) -> None:
    assert (shell("messages").code, shell("messages", "--json", "--csv", "--user", "x").code) == (2, 2)
    assert "no message that fits" in shell("messages", "--user", "nobody").err
    assert shell("messages", "--user", "nobody", "--json").json == []
