"""What a command does with the streams, the locale, the width and the signals that it finds; every one is real."""

import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path

import pytest

from ledger.entrypoints.process.streams import Output, until_reader_leaves
from ledger.simulator import Simulator
from tests.forked_command import write_stand_in

from .conftest import Ended, Shell, StartedCommand

CHINESE = "春季活动"


def started(shell: Shell, script: str, **variables: str) -> Ended:
    """Run a line of a shell, in which `ledger` is the command."""
    return _run(shell, f"{sys.executable} -m ledger", script, variables)


def started_at_once(shell: Shell, script: str) -> Ended:
    """Run a line of a shell, in which `ledger` is the command in a process that has loaded everything."""
    stand_in = shell.folder / "ledger"
    write_stand_in(stand_in)
    return _run(shell, str(stand_in), script, {})


def _run(shell: Shell, words: str, script: str, variables: dict[str, str]) -> Ended:
    done = subprocess.run(
        ["bash", "-c", f'ledger() {{ {words} "$@"; }}\n{script}'],
        env=shell.environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def recorded(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger that holds three messages of a campaign with a Chinese name."""
    shell.send(simulator, 3, campaign=CHINESE)
    return shell


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        *(
            (words, "")
            for words in ("campaigns --json", "campaigns", "--help", "--version", "doctor", "history --json")
        ),
        ("campaigns", "1"),
        ("history --json", "1"),
    ],
)
def test_a_full_disk_under_the_output_is_said_in_one_line(recorded: Shell, words: str, unbuffered: str) -> None:
    line = f"ledger {words} > /dev/full"
    # An interpreter that starts finds out by itself whether it keeps back what it writes.
    ended = started(recorded, line, PYTHONUNBUFFERED="1") if unbuffered else started_at_once(recorded, line)
    assert ended.code == 1
    assert ended.err == "error: the output cannot be written: No space left on device. Make room, and try again\n"


def test_a_full_disk_under_the_messages_changes_nothing(recorded: Shell) -> None:
    assert started(recorded, "ledger nonsense 2> /dev/full").code == 2
    ended = started(recorded, f"ledger recall --campaign {CHINESE} --reason typo --yes --json 2> /dev/full")
    assert (ended.code, ended.json["recalled"]) == (0, 3)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere_and_nothing_lands_in_the_database(recorded: Shell, closed: str) -> None:
    ended = started(recorded, f"ledger recall --campaign {CHINESE} --reason typo --yes {closed}")
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    assert recorded("verify").code == 0
    assert recorded("recalls", "--json").json[0]["recalled"] == 3


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_an_error_that_nobody_can_hear_is_in_the_exit_code(shell: Shell, closed: str) -> None:
    assert started(shell, f"ledger nonsense {closed}").code == 2


def test_a_question_without_an_input_is_not_a_yes(recorded: Shell) -> None:
    ended = started(recorded, f"ledger recall --campaign {CHINESE} --reason typo <&-")
    assert (ended.code, "--yes confirms beforehand" in ended.err) == (10, True)


def test_a_reader_who_leaves_is_no_error(recorded: Shell) -> None:
    ended = started(recorded, "ledger history --json | true; ledger --help | head -1; echo ${PIPESTATUS[0]}")
    assert ended.err == ""
    assert ended.out.splitlines()[-1] == "0"


# From its first line on, nobody reads any more.
LEAVES = "head -n 1 >/dev/null"


@pytest.mark.parametrize("reader", [LEAVES, "true", "sleep 0.1"])
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_recall_is_carried_out_also_when_its_reader_leaves(recorded: Shell, reader: str, form: str) -> None:
    line = f"ledger recall --campaign {CHINESE} --reason typo --yes {form} | {reader}; echo ${{PIPESTATUS[0]}}"
    ended = started_at_once(recorded, line)
    assert (ended.out, "Traceback" in ended.err) == ("0\n", False)
    assert recorded("recalls", "--json").json[0]["recalled"] == 3


@pytest.mark.parametrize("command", ["retry 1", "resume 1", "correct 1 --msg-key sampleText --msg-param {} --reason r"])
def test_what_is_done_with_a_recall_is_done_also_when_its_reader_leaves(recorded: Shell, command: str) -> None:
    recorded("recall", "--campaign", CHINESE, "--reason", "typo", "--yes")
    told = started_at_once(recorded, f"ledger {command} --yes")
    unread = started_at_once(recorded, f"ledger {command} --yes | true; exit ${{PIPESTATUS[0]}}")
    assert (unread.code, unread.out) == (told.code, "")


def test_what_was_recorded_before_a_reader_leaves_is_all_that_was_handed_in(recorded: Shell) -> None:
    rows = "".join(f'{{"processQueryKey": "k{n}", "robotCode": "r", "userIds": ["u"]}}\n' for n in range(3000))
    (recorded.folder / "rows.jsonl").write_text(rows)
    line = "ledger import rows.jsonl --campaign spring --sent-at $(date -u +%FT%TZ) | true; echo ${PIPESTATUS[0]}"
    ended = started_at_once(recorded, f"cd {recorded.folder} && {line}")
    assert (ended.out, ended.err) == ("0\n", "")
    assert {one["campaign"]: one["messages"] for one in recorded("campaigns", "--json").json}["spring"] == 3000


def test_what_only_shows_ends_with_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(BrokenPipeError), Output(io.FileIO(writing, "w"), write_through=True) as out:
        monkeypatch.setattr("sys.stdout", out)

        @until_reader_leaves
        def lists() -> None:
            for _ in count():
                out.write("a line of a list without an end")

        with pytest.raises(BrokenPipeError):
            lists()


def test_evidence_is_handed_out_whole_and_its_exit_code_stands_also_when_its_reader_leaves(recorded: Shell) -> None:
    recorded("recall", "--campaign", CHINESE, "--reason", "typo", "--yes")
    with closing(sqlite3.connect(recorded.folder / "ledger.sqlite")) as database:
        database.execute("UPDATE recall_items SET outcome = 'refused' WHERE id = 1")
        database.commit()
    line = f"ledger audit export {recorded.folder / 'evidence'} --recall 1 --json | true; exit ${{PIPESTATUS[0]}}"
    assert started_at_once(recorded, line).code == 1
    assert (recorded.folder / "evidence" / "verify.py").is_file()


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "xx_YY.nonsense"},
        {"PYTHONIOENCODING": "gbk:strict"},
    ],
)
def test_chinese_is_written_and_read_whatever_the_locale_says(shell: Shell, variables: dict[str, str]) -> None:
    text = f"ledger record --robot r --key k --user 王五 --campaign {CHINESE} --sent-at $(date -u +%FT%TZ)"
    ended = started(shell, f"{text} && ledger campaigns", **variables)
    assert ended.code == 0, ended.err
    assert ended.out.count(CHINESE) == 1
    assert shell("campaigns", "--json").json[0]["campaign"] == CHINESE


def test_a_folder_that_the_locale_cannot_name_is_one_sentence(shell: Shell) -> None:
    folder = shell.folder / "消息"
    shell.variables = {"LEDGER_DATABASE_URL": f"sqlite:///{folder}/账本.sqlite", "LEDGER_ACTOR": "王五"}
    assert started(shell, "ledger campaigns", LC_ALL="C").code == 0
    assert (folder / "账本.sqlite").is_file()
    ended = started(shell, "ledger campaigns", LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (ended.code, "unexpected" in ended.err) == (2, False)
    assert "set LC_ALL=C.UTF-8" in ended.err


def test_a_sender_gets_its_words_as_they_were(shell: Shell) -> None:
    program = "import os,sys; sys.stdout.buffer.write(os.fsencode(sys.argv[1]))"
    line = f"ledger run --campaign {CHINESE} -- {sys.executable} -c '{program}' {CHINESE}"
    ended = started(shell, line, LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (ended.code, ended.out) == (0, CHINESE), ended.err


@pytest.mark.parametrize(
    "words",
    [
        "record --robot r --key $'k\\xff'",
        "record --robot r --key k --campaign $'c\\xff'",
        "recall --campaign $'c\\xff' --reason x --json",
        "recall --campaign c --reason $'c\\xff' --json",
        "import $'c\\xff.jsonl'",
        "$'c\\xff'",
        "show $'\\xff'",
        "history --actor $'\\xff' --json",
    ],
)
def test_an_argument_that_is_not_utf8_is_refused(shell: Shell, words: str) -> None:
    ended = (started if "record" in words else started_at_once)(shell, f"ledger {words}")
    assert ended.code == 2, ended.err
    assert ended.err.startswith("error: ")
    assert "unexpected" not in ended.err
    if "--json" in words:
        assert set(ended.json) == {"error"}


@pytest.mark.parametrize(
    ("columns", "term"),
    [
        *((text, "nobodyknows") for text in ("0", "-5", "abc", "99999999999999999999", "²")),
        *((text, "") for text in ("", "1", "39", "1000000000")),
    ],
)
def test_a_width_that_no_screen_has_is_not_believed(recorded: Shell, columns: str, term: str) -> None:
    recorded.variables |= {"COLUMNS": columns, "LINES": "x", "TERM": term}
    ended, helped = recorded.real("campaigns"), recorded.real("--help")
    assert (ended.code, ended.err, helped.code, helped.err) == (0, "", 0, "")
    assert all(len(line) < 200 for line in (ended.out + helped.out).splitlines())
    assert "of 3" in ended.out


def test_a_sender_gets_its_width_as_it_was(shell: Shell) -> None:
    program = "import os; print(repr(os.environ['COLUMNS']))"
    assert started(shell, f'ledger run -- {sys.executable} -c "{program}"', COLUMNS="0").out == "'0'\n"


def test_a_sender_finds_closed_what_was_closed(shell: Shell) -> None:
    program = "import os,sys\ntry: os.fstat(0)\nexcept OSError: sys.exit(7)"
    assert started(shell, f'ledger run -- {sys.executable} -c "{program}" <&-').code == 7


def on_a_terminal(shell: Shell, act: Callable[[int, StartedCommand], object], words: Sequence[str]) -> int:
    """Run a command on a terminal, act on it once it asks something, and return how it ended."""
    ours, theirs = pty.openpty()
    process = shell.start(*words, stream=theirs)
    os.close(theirs)
    heard = b""
    while not any(question in heard for question in (b"[y/N]", b"to confirm:")):
        heard += os.read(ours, 65536)
    # Again and again: a signal that comes just before somebody listens at a terminal is not heard there.
    for _ in range(60):
        act(ours, process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
            break
    else:
        process.kill()
    code = process.wait(30)
    os.close(ours)
    assert b"Traceback" not in heard
    return code


def test_ctrl_c_and_ctrl_d_at_a_question_are_no(recorded: Shell) -> None:
    words = ["recall", "--campaign", CHINESE, "--reason", "typo"]
    assert on_a_terminal(recorded, lambda _, process: process.send_signal(signal.SIGINT), words) in (10, 130)
    assert on_a_terminal(recorded, lambda ours, _: os.write(ours, b"\x04"), words) == 10
    assert [one["recalled"] for one in recorded("recalls", "--all", "--json").json] == [0, 0]


def test_ctrl_c_before_anything_is_loaded_is_no_traceback(shell: Shell) -> None:
    code = (
        "import os, signal, sys, threading\n"
        "sys.argv = ['ledger', 'campaigns']\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from ledger.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=shell.environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")


def test_a_recall_outlives_its_terminal(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 100, campaign="spring")
    shell.variables["LEDGER_CALLS_PER_SECOND"] = "5"
    ours, theirs = pty.openpty()
    process = shell.start("recall", "--campaign", "spring", "--reason", "typo", "--yes", stream=theirs)
    os.close(theirs)
    heard = b""
    while b"of 100" not in heard:
        heard += os.read(ours, 65536)
    process.send_signal(signal.SIGHUP)
    os.close(ours)
    process.wait(30)
    assert shell("recalls", "--json").json[0]["recalled"] == 100


@pytest.mark.parametrize("words", [("worker",), ("serve", "--port", "0"), ("gateway", "--port", "0", "--workers", "2")])
def test_what_serves_ends_well_with_its_terminal(shell: Shell, words: tuple[str, ...]) -> None:
    with shell.running(*words) as running:
        running.wait_for("working on" if words == ("worker",) else "listening on")
        running.process.send_signal(signal.SIGHUP)
        assert running.process.wait(30) == 0
        assert "stopped: " in running.message()


def test_on_windows_one_sentence_says_what_is_supported(shell: Shell, tmp_path: Path) -> None:
    for program, code in (
        ("import ledger.__main__ as m; m.main()", 2),
        ("import ledger\ntry: ledger.Ledger\nexcept ImportError as e: sys.exit(str(e))", 1),
    ):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.platform = 'win32'\n{program}"],
            env=shell.environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "use WSL" in done.stderr
        assert done.stderr.count("\n") == 1


def test_errors_with_json_are_one_document(shell: Shell) -> None:
    for words in (
        "show 99 --json",
        "recall --json",
        "nonsense --json",
        "campaigns --json --wrong",
        "history --json -x",
    ):
        ended = shell.real(*words.split())
        assert ended.code == 2
        assert set(json.loads(ended.out)) == {"error"}
        assert ended.err.count("\n") == 1
