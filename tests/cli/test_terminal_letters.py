"""What does not print, in names that somebody else chose: escaped on a terminal, which obeys it, verbatim in a pipe."""

import csv
import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from rich.panel import Panel
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ledger.entrypoints.cli.screen.paper import Paper
from ledger.entrypoints.process.logs import JsonFormatter, TextFormatter
from ledger.integrations.feed import say
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


# What sets the title of a window, begins a command in one letter, deletes, and turns the direction of writing.
HOSTILE = "春\x1b]0;title\x07\x9b31m\x7f\u202e"
# What the command itself draws with: colours, and places of the cursor.
DRAWN = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@pytest.fixture
def hostile(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger in which every name is hostile."""
    at = datetime.now(UTC) - timedelta(hours=1)
    keys = simulator.world.make_messages(2, robot_code=HOSTILE, sent_at=at, users=(HOSTILE,))
    names = {"robotCode": HOSTILE, "userIds": [HOSTILE], "campaign": HOSTILE, "source": HOSTILE}
    rows = [{"processQueryKey": key, "sentAt": at.isoformat(), **names} for key in (*keys, HOSTILE)]
    assert shell("import", "-", stdin="\n".join(map(json.dumps, rows))).code == 0
    (shell.folder / f"{HOSTILE}.jsonl").write_text(json.dumps({**names, "sentAt": HOSTILE, HOSTILE: 1}) + "\n{")
    return shell


@pytest.mark.parametrize(
    "words",
    [
        ("campaigns",),
        ("recall", "--campaign", HOSTILE, "--reason", HOSTILE, "--dry-run"),
        ("recall", "--campaign", HOSTILE, "--reason", HOSTILE, "--actor", "ann", "--yes"),
        ("recall", "--campaign", HOSTILE, "--reason", "typo", "--actor", HOSTILE, "--yes"),
        ("recall", "--key", HOSTILE, "--robot", HOSTILE, "--user", HOSTILE, "--reason", "typo", "--dry-run"),
        ("recall", "--keys-file", HOSTILE, "--reason", "typo"),
        ("recall", "--since", HOSTILE, "--reason", "typo"),
        ("show", HOSTILE),
        ("import", HOSTILE),
        ("import", f"{HOSTILE}.jsonl"),
        ("import", f"{HOSTILE}.jsonl", "--encoding", HOSTILE),
        ("run", "--", HOSTILE),
        ("run", "--", "sh", "-c", "exit 0", HOSTILE),
        ("token", "create", "--name", HOSTILE, "--role", "admin"),
        ("token", "revoke", "--name", HOSTILE),
        ("tag", "--campaign", HOSTILE, "--untagged", "--reason", "typo"),
        ("history", "--campaign", HOSTILE),
        ("serve", "--host", HOSTILE, "--no-worker"),
        ("doctor",),
        (HOSTILE,),
        (f"--{HOSTILE}",),
    ],
    ids=lambda words: "-".join(word for word in words if HOSTILE not in word) or "command",
)
def test_no_command_hands_a_terminal_what_somebody_else_named(hostile: Shell, words: tuple[str, ...]) -> None:
    with on_terminal(hostile, *words) as terminal:
        terminal.end()
        terminal.drain()
    shown = DRAWN.sub("", terminal.shown).replace("\r", "").replace("\n", "")
    assert [letter for letter in shown if not letter.isprintable()] == []
    assert shown


def test_a_recall_of_hostile_names_is_shown_whole(hostile: Shell) -> None:
    assert hostile("recall", "--campaign", HOSTILE, "--reason", HOSTILE, "--yes").code in (0, 3)
    for words in (("recalls",), ("show", "1"), ("history",), ("campaigns",)):
        with on_terminal(hostile, *words) as terminal:
            terminal.end()
            terminal.drain()
        shown = DRAWN.sub("", terminal.shown).replace("\r", "").replace("\n", "")
        assert [letter for letter in shown if not letter.isprintable()] == [], words
        assert "春" in shown, words


def test_the_console_escapes_what_was_forgotten_to_be_made_plain_and_keeps_its_own_colours() -> None:
    screen = Paper(file=io.StringIO(), force_terminal=True, color_system="standard", width=80, markup=False)
    table = Table("name")
    table.add_row(HOSTILE)
    screen.print(HOSTILE, style="bold red")
    screen.print(Text(HOSTILE), Panel(table))
    with Progress(TextColumn("{task.description}"), console=screen) as progress:
        progress.add_task(HOSTILE, total=1)
    assert isinstance(screen.file, io.StringIO)
    written = screen.file.getvalue()
    assert "\x1b[1;31m" in written
    left = DRAWN.sub("", written)
    assert {letter for letter in left if not letter.isprintable()} <= {"\n", "\r"}
    # The bar is drawn twice, and cut.
    assert left.count(r"春\x1b]0;titl") == 5


@pytest.mark.parametrize("debug", ["", "1"])
def test_no_line_of_a_log_hands_a_terminal_what_was_raised(debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DEBUG", debug)
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        fault = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("ledger", logging.ERROR, __file__, 1, "of %s", (HOSTILE,), fault)
    record.facts = {"actor": HOSTILE}
    for form in (TextFormatter(), JsonFormatter()):
        line = form.format(record)
        assert {letter for letter in line if not letter.isprintable()} <= {"\n"}
        assert "ValueError" in line
    assert json.loads(JsonFormatter().format(record))["actor"] == HOSTILE


def test_the_recorder_inside_a_sender_writes_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"NOT RECORDED: {HOSTILE}")
    assert capsys.readouterr().err == "ledger: NOT RECORDED: 春\\x1b]0;title\\x07\\x9b31m\\x7f\\u202e\n"


def test_a_pipe_is_given_the_letters(recalled: Shell) -> None:
    (item,) = recalled.real("history", "--json").json
    (line,) = recalled.real("history", "--jsonl").out.splitlines()
    (row,) = csv.DictReader(io.StringIO(recalled.real("history", "--csv").out, newline=""))
    assert (item["campaign"], json.loads(line)["campaign"], row["campaign"]) == (EVIL, EVIL, EVIL)
    assert "\u202e" in recalled.real("show", "1", "--json").out
