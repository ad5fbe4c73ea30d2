"""What does not print, in names that somebody else chose: escaped on a terminal, which obeys it, verbatim in a pipe."""

import csv
import io
import json

import pytest

from ledger.simulator import Simulator

from .conftest import Shell
from .terminal import on_terminal

# Red from here on, the same in one letter, a deletion, and a turn of the direction of writing.
EVIL = "春\x1b[31m\x9b31m\x7f\u202e"


@pytest.fixture
def recalled(shell: Shell, simulator: Simulator) -> Shell:
    """A recall of a campaign whose name is no name."""
    shell.send(simulator, 1, campaign=EVIL)
    assert shell("recall", "--campaign", EVIL, "--reason", "typo", "--yes").code == 0
    return shell


@pytest.mark.parametrize(
    "words", ["history --json", "history --jsonl", "history --csv", "history --excel", "show 1 --json", "recalls --csv"]
)
def test_a_terminal_is_given_escapes(recalled: Shell, words: str) -> None:
    with on_terminal(recalled, *words.split()) as terminal:
        terminal.wait_for(r"\u202e")
        terminal.end()
    shown = terminal.shown.replace("\r", "").replace("\n", "")
    assert [letter for letter in shown if not letter.isprintable()] == []
    assert (r"\u001b[31m\u009b31m\u007f" in shown) or (r"\x1b[31m\x9b31m\x7f" in shown)
    assert "春" in shown


def test_a_pipe_is_given_the_letters(recalled: Shell) -> None:
    (item,) = recalled.real("history", "--json").json
    (line,) = recalled.real("history", "--jsonl").out.splitlines()
    (row,) = csv.DictReader(io.StringIO(recalled.real("history", "--csv").out, newline=""))
    assert (item["campaign"], json.loads(line)["campaign"], row["campaign"]) == (EVIL, EVIL, EVIL)
    assert "\u202e" in recalled.real("show", "1", "--json").out
