"""The command as a whole: help, version, mistakes, errors that nobody foresaw, and how quickly it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ledger import Ledger
from ledger.entrypoints.cli.demo_story import play
from ledger.errors import InputError
from ledger.simulator import Simulator, World

from .conftest import Shell

COMMANDS = [
    *("demo", "db", "record", "import", "campaigns", "recall", "recalls", "show", "resume", "retry", "cancel"),
    *("history", "purge", "simulator", "doctor", "verify", "unstick", "worker"),
]


def test_help_names_every_command(shell: Shell) -> None:
    ended = shell.real("--help")
    assert (ended.code, ended.err) == (0, "")
    for command in COMMANDS:
        assert f" {command} " in ended.out
    assert shell().out == shell("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(shell: Shell, command: str) -> None:
    ended = shell(command, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80


def test_the_version_is_said(shell: Shell) -> None:
    assert shell("--version").out.startswith("ledger 0.")


def test_completion_can_be_installed(shell: Shell) -> None:
    assert "--install-completion" in shell("--help").out


@pytest.mark.parametrize("words", [("recal",), ("--wrong",), ("db", "wrong"), ("show",), ("show", "x"), ("show", "0")])
def test_wrong_usage_is_exit_2_in_one_line(shell: Shell, words: tuple[str, ...]) -> None:
    ended = shell(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert "--help" in ended.err


def test_an_unknown_setting_is_refused_with_the_nearest_one(shell: Shell) -> None:
    shell.variables["LEDGER_MARGIN_SECOND"] = "3"
    ended = shell("campaigns", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "settings")
    assert "did you mean LEDGER_MARGIN_SECONDS?" in ended.json["error"]["message"]


def test_a_database_that_does_not_answer_is_exit_1(shell: Shell) -> None:
    shell.variables["LEDGER_DATABASE_URL"] = "sqlite:////proc/nowhere/ledger.sqlite"
    ended = shell.real("campaigns", "--json")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert set(ended.json) == {"error"}


def test_what_nobody_foresaw_is_one_line_and_the_traceback_is_there_for_the_asking(shell: Shell) -> None:
    # A ledger that is no database is the nearest thing to a surprise that can be had without patching.
    shell.variables["LEDGER_DATABASE_URL"] = f"sqlite:///{shell.folder / 'noise'}"
    Path(shell.folder / "noise").write_bytes(b"no database at all" * 100)
    ended = shell.real("campaigns")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    shell.variables["LEDGER_DEBUG"] = "1"
    assert "Traceback" in shell.real("campaigns").err


def test_help_loads_nothing_heavy(shell: Shell) -> None:
    code = (
        "import sys; from ledger.entrypoints.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'httpx', 'alembic', 'pydantic', 'psycopg'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=shell.environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


OF_POSTGRESQL = "sqlalchemy.dialects.postgresql"
NEVER = ("httpx", "alembic", "psycopg", "rich", "cryptography", "fastapi", "apscheduler", "aiohttp")


@pytest.mark.parametrize(
    ("words", "rooms"),
    [
        ("record --robot dingbot --key k1", "recording"),
        ("campaigns --json", "events recording reports upkeep"),
        ("recalls --json", "recalls recording reports"),
        ("purge", "audit recalls recording reports upkeep"),
    ],
)
def test_what_a_cron_job_starts_loads_what_it_needs_and_no_more(shell: Shell, words: str, rooms: str) -> None:
    assert shell("db", "upgrade").code == 0
    code = (
        "import sys; from ledger.__main__ import main\n"
        f"sys.argv[1:] = {words.split()}\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=shell.environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert "sqlalchemy.dialects.sqlite.pysqlite" in loaded
    assert not [name for name in loaded if name.partition(".")[0] in NEVER or name.startswith(OF_POSTGRESQL)]
    assert {name.split(".")[2] for name in loaded if name.startswith("ledger.services.")} == set(rooms.split())


def test_the_simulator_runs_until_it_is_stopped(shell: Shell) -> None:
    with subprocess.Popen(
        shell.command("simulator", "--port", "0"), env=shell.environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.usefixtures("quick_demo")
def test_the_demonstration_tells_the_whole_story_and_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    shell.variables |= {"LEDGER_DATABASE_URL": "nonsense", "LEDGER_WRONG": "1"}
    before = list(tmp_path.iterdir())
    ended = shell("demo")
    assert ended.code == 0, ended.err
    for part in ("spring-sale", "12 expired", "146 of 149 recalled, 3 refused", "legal hold", "12 messages deleted"):
        assert part in ended.out
    assert "The history is whole" in ended.out
    assert "\x1b" not in ended.out
    assert list(tmp_path.iterdir()) == before
    assert os.environ.get("LEDGER_WRONG") is None


def test_the_demonstration_says_that_it_needs_this_machines_network(book: Ledger) -> None:
    nowhere = cast("Simulator", SimpleNamespace(url="http://127.0.0.1:1", world=World()))
    with pytest.raises(InputError, match="needs this machine"):
        play(book, nowhere)
