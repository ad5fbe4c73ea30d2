"""`ledger run`: senders that know nothing of the ledger, in processes and virtual environments of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, Settings
from ledger.entrypoints.cli.commands.run import warning_about
from ledger.simulator import TOKEN_HEADER, Behaviour, Cut, ScriptedAnswer, Simulator
from tests.forked_command import write_stand_in

# A whole sender: where to, the token and how many come as arguments; keys are written as they come.
SENDER = """
import json, os, sys
{setup}
url, token, count = sys.argv[1:4]
headers = {{"{token_header}": token}}
body = {{"robotCode": "robot-1", "userIds": ["ann"], "msgKey": "sampleText", "msgParam": "{{}}"}}
for _ in range(int(count)):
    print({call}["processQueryKey"], flush=True)
{end}
"""
PATH = "/v1.0/robot/oToMessages/batchSend"
CALLS = {
    "requests": ("import requests", f'requests.post(url + "{PATH}", json=body, headers=headers).json()'),
    "httpx": ("import httpx", f'httpx.post(url + "{PATH}", json=body, headers=headers).json()'),
    "httpx-async": (
        "import asyncio, httpx\nasync def send():\n    async with httpx.AsyncClient() as client:\n"
        f'        return (await client.post(url + "{PATH}", json=body, headers=headers)).json()',
        "asyncio.run(send())",
    ),
    "httpx2": ("import httpx2", f'httpx2.post(url + "{PATH}", json=body, headers=headers).json()'),
    "urllib3": (
        "import urllib3",
        f'urllib3.request("POST", url + "{PATH}", json=body, headers=headers).json()',
    ),
    "aiohttp": (
        "import aiohttp, asyncio\nasync def send():\n    async with aiohttp.ClientSession() as session:\n"
        f'        async with session.post(url + "{PATH}", json=body, headers=headers) as answer:\n'
        "            return await answer.json()",
        "asyncio.run(send())",
    ),
}
LIBRARIES = ("anyio", "certifi", "charset_normalizer", "h11", "httpcore", "httpx", "idna", "requests", "urllib3")
PATIENCE_SECONDS = 180.0


def taken_from(err: str) -> tuple[list[str], str]:
    """Return the lines by which the recorder says what it did, and the rest of what was written to stderr."""
    lines = err.splitlines(keepends=True)
    signs = [line for line in lines if re.match(r"ledger: ([\d,]+ sends? recorded|nothing was recorded)", line)]
    return [line.strip() for line in signs], "".join(line for line in lines if line not in signs)


LEDGER = [sys.executable, "-m", "ledger"]


@dataclass
class Stage:
    """A sender, a pretend DingTalk and a ledger, each a process or a thread of its own."""

    folder: Path
    simulator: Simulator
    database_url: str
    python: str = sys.executable
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the shell of the operator holds."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LEDGER_", "PYTHON"))}
        ours = {"LEDGER_DATABASE_URL": self.database_url, "LEDGER_SPOOL_DIR": str(self.folder / "spool")}
        return clean | ours

    def write(self, library: str = "requests", *, setup: str = "", end: str = "") -> None:
        """Write the sender down."""
        load, call = CALLS[library]
        text = SENDER.format(setup=f"{setup}\n{load}", call=call, end=end, token_header=TOKEN_HEADER)
        (self.folder / "sender.py").write_text(text)

    def start(self, *words: str, count: int = 3, **options: Any) -> "subprocess.Popen[str]":
        """Start `ledger run` with a sender: the one that was written, unless there are other words."""

        sender = words or (self.python, "sender.py", self.simulator.url, self.simulator.world.issue_token(), str(count))
        own = ["--campaign", "spring", "--source", "cron", *options.pop("options", ())]
        command = [*options.pop("ledger", LEDGER), "run", *own, "--", *sender]
        environment = self.environment | options.pop("variables", {})
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        self.processes.append(process)
        return process

    def run(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run `ledger run` with a sender to its end."""
        given = options.pop("input", None)
        # Nobody asks for its pid: it may stand for another process, which starts sooner.
        ledger = self.folder / "ledger-that-is-loaded"
        write_stand_in(ledger)
        options = {"ledger": [str(ledger)], **({} if given is None else {"stdin": subprocess.PIPE}), **options}
        process = self.start(*words, **options)
        out, err = process.communicate(given, timeout=PATIENCE_SECONDS)
        self.signs, err = taken_from(err)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def sent(self) -> set[str]:
        """Return the keys that DingTalk gave out."""
        return {message.key for message in self.simulator.world.messages()}

    def recorded(self) -> set[str]:
        """Return the keys that the ledger holds under the campaign."""
        with self.book() as book:
            plan = book.plan(campaign="spring", reason="look", include_shared=True)
            return {item.process_query_key for item in book.show(plan.recall_id).items}

    def keyless(self) -> int:
        """Return how many sends left a trace without a key."""
        with self.book() as book:
            return sum(line.keyless for line in book.campaigns())

    def book(self) -> Ledger:
        """Return a ledger of this process; the caller closes it."""
        return Ledger(Settings.load(database_url=self.database_url, spool_dir=self.folder / "spool"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Everything on SQLite."""
    behaviour = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)
    with Simulator(behaviour=behaviour) as simulator:
        made = Stage(tmp_path, simulator, f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        yield made
        for process in made.processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a virtual environment that has HTTP libraries, and neither the ledger nor what it needs."""
    home, ours = tmp_path_factory.mktemp("foreign"), Path(sysconfig.get_paths()["purelib"])
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    for found in [path for name in LIBRARIES for path in (ours / name, *ours.glob(f"{name}.py"))]:
        if found.exists():
            (site / found.name).symlink_to(found)
    (site / "typing_extensions.py").symlink_to(ours / "typing_extensions.py")
    return str(home / "bin" / "python")


def until(is_so: Callable[[], bool]) -> None:
    """Return as soon as something is so; it is an error when that takes too long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "this never came about"
        time.sleep(0.02)


@pytest.mark.parametrize("library", ["requests", "httpx", "httpx-async"])
def test_a_sender_in_a_virtual_environment_without_the_ledger_is_recorded(
    stage: Stage, foreign_python: str, library: str
) -> None:
    stage.python = foreign_python
    probe = (
        "from importlib.util import find_spec\n"
        "names = ('requests', 'httpx', 'ledger', 'pydantic')\n"
        "assert [name for name in names if find_spec(name)] == ['requests', 'httpx']"
    )
    stage.write(library, setup=probe)
    done = stage.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == stage.sent() == stage.recorded()


def test_a_sender_on_aiohttp_is_recorded(stage: Stage) -> None:
    stage.write("aiohttp")
    done = stage.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == stage.sent() == stage.recorded()


def test_a_sender_on_the_official_sdk_is_recorded_once(stage: Stage) -> None:
    (stage.folder / "sender.py").write_text(
        "import sys\n"
        "from tests.integrations.senders import Letter, SENDERS, unwatched\n"
        "letter = Letter(url=sys.argv[1], token=sys.argv[2])\n"
        "for name in ('sdk', 'sdk-async'):\n"
        "    print(SENDERS[name](unwatched, letter)['processQueryKey'])\n"
    )
    root = str(Path(__file__).parent.parent.parent)
    done = stage.run(variables={"PYTHONPATH": root})
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == stage.sent() == stage.recorded()


def test_output_input_arguments_and_exit_code_are_the_senders_own(stage: Stage) -> None:
    script = (
        "import json, os, sys\n"
        "json.dump([sys.argv, sys.stdin.read(), os.getcwd(), os.getpid(), sys.path[:2]], sys.stdout)\n"
        "print('to stderr', file=sys.stderr)\n"
        "try:\n    os.wait()\nexcept ChildProcessError:\n    sys.exit(7)\n"
    )
    (stage.folder / "sender.py").write_text(script)
    words = (sys.executable, "sender.py", "--campaign", "theirs", "-x", "--", "a b", "")
    process = stage.start(*words, stdin=subprocess.PIPE)
    out, err = process.communicate("typed", timeout=PATIENCE_SECONDS)
    arguments, typed, folder, number, path = json.loads(out)
    assert arguments == list(words[1:])
    assert (typed, folder, number) == ("typed", str(stage.folder), process.pid)
    assert "bootstrap" not in str(path)
    assert (process.returncode, taken_from(err)) == (7, (["ledger: 0 sends recorded"], "to stderr\n"))


@pytest.mark.parametrize(("end", "code"), [("", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
def test_however_it_ends_what_it_sent_is_recorded(stage: Stage, end: str, code: int) -> None:
    stage.write(end=end)
    done = stage.run()
    assert done.returncode == code
    assert ("ZeroDivisionError" in done.stderr) == (code == 1)
    assert "ledger" not in done.stderr.replace(str(stage.folder), "")
    assert stage.recorded() == stage.sent()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_for_the_sender_alone(stage: Stage, number: signal.Signals) -> None:
    stage.write(end="import signal\nprint('ready', flush=True)\nsignal.pause()")
    process = stage.start()
    assert process.stdout is not None
    while process.stdout.readline() not in ("ready\n", ""):
        pass
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -number
    assert ("KeyboardInterrupt" in err) == (number == signal.SIGINT)
    assert stage.recorded() == stage.sent()


def test_a_broken_pipe_is_for_the_sender_to_die_of(stage: Stage) -> None:
    done = stage.run("sh", "-c", "trap '' TERM; kill -s PIPE $$; echo survived")
    assert (done.returncode, done.stdout) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("moment", range(3))
def test_killed_in_the_middle_a_sender_loses_no_key(stage: Stage, moment: int) -> None:
    stage.simulator.world.change(latency_seconds=0.002)
    stage.write("httpx")
    process = stage.start(count=100_000)
    until(lambda: len(stage.sent()) > 20 * (moment + 1))
    process.kill()
    process.wait()
    # Its companion still takes in what is left. A trace is also left by a send that was written down and had not left.
    until(lambda: len(stage.sent() - stage.recorded()) <= stage.keyless() <= 1)
    time.sleep(0.1)  # what DingTalk has taken in by now is under way no more
    assert len(stage.sent() - stage.recorded()) <= stage.keyless() <= 1, "each key is recorded, or left a trace"


def test_what_a_sender_starts_is_recorded_too(stage: Stage) -> None:
    stage.write(
        setup="if len(sys.argv) == 4:\n"
        "    import multiprocessing, subprocess\n"
        "    subprocess.run([sys.executable, *sys.argv, 'child'], check=True)\n",
        end="if len(sys.argv) == 4 and os.fork() == 0:\n"
        f"    requests.post(url + '{PATH}', json=body, headers=headers)\n"
        "    os._exit(0)\n"
        "if len(sys.argv) == 4:\n    os.wait()",
    )
    done = stage.run(count=2)
    assert done.returncode == 0, done.stderr
    assert len(stage.sent()) == 5
    assert stage.recorded() == stage.sent()


def test_a_module_of_the_sender_that_is_called_ledger_stays_its_own(stage: Stage) -> None:
    (stage.folder / "ledger.py").write_text("WORD = 'mine'")
    stage.write(setup="import ledger", end="print(ledger.WORD, file=sys.stderr)")
    command = [
        str(Path(sys.executable).with_name("ledger")),
        "run",
        "--campaign",
        "spring",
        sys.executable,
        "sender.py",
    ]
    done = subprocess.run(
        [*command, stage.simulator.url, stage.simulator.world.issue_token(), "1"],
        cwd=stage.folder,
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, taken_from(done.stderr)) == (0, (["ledger: 1 send recorded"], "mine\n"))
    assert stage.recorded() == stage.sent()


def test_what_python_would_have_loaded_first_is_loaded_still(stage: Stage) -> None:
    (stage.folder / "theirs").mkdir()
    (stage.folder / "theirs" / "sitecustomize.py").write_text("print('customised', flush=True)")
    stage.write(setup="import sitecustomize\nassert 'theirs' in sitecustomize.__file__")
    done = stage.run(ledger=LEDGER, variables={"PYTHONPATH": str(stage.folder / "theirs")})
    assert (done.returncode, done.stderr) == (0, "")
    own, theirs, *keys = done.stdout.split()
    assert own == theirs == "customised", "the command's own Python loads it, and that of the sender"
    assert set(keys) == stage.sent() == stage.recorded()


def test_while_the_database_is_away_a_sender_goes_on_and_its_keys_arrive_later(stage: Stage) -> None:
    (stage.folder / "ledger.sqlite").mkdir()
    stage.write()
    done = stage.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert stage.signs == [
        "ledger: 0 sends recorded, 3 wait in the spool: a worker or the next `ledger campaigns` records them, "
        "`ledger doctor` says more"
    ]
    (stage.folder / "ledger.sqlite").rmdir()
    assert stage.recorded() == stage.sent()


def test_without_a_spool_a_sender_goes_on_and_its_keys_go_to_the_temporary_folder_with_one_line(stage: Stage) -> None:
    (stage.folder / "spool").write_text("where a folder should be")
    stage.write()
    done = stage.run(count=20)
    assert (done.returncode, set(done.stdout.split())) == (0, stage.sent())
    (line,) = done.stderr.splitlines()
    assert "LEDGER_SPOOL_DIR" in line
    assert stage.recorded() == stage.sent()


def test_without_any_folder_its_companion_takes_every_key_with_one_line(stage: Stage) -> None:
    (stage.folder / "spool").write_text("where a folder should be")
    stage.write(
        setup="if len(sys.argv) == 4:\n"
        "    import subprocess\n"
        "    subprocess.run([sys.executable, *sys.argv, 'child'], check=True)\n"
    )
    done = stage.run(count=20, variables={"TMPDIR": str(stage.folder / "spool")})
    assert (done.returncode, set(done.stdout.split())) == (0, stage.sent())
    # One line for each process that sends, whatever it sends.
    assert done.stderr.count("LEDGER_SPOOL_DIR") == 2
    assert "NOT RECORDED" not in done.stderr
    until(lambda: stage.recorded() == stage.sent())
    assert len(stage.sent()) == 40


def test_killed_in_the_middle_a_sender_without_any_folder_loses_no_key_that_it_saw(stage: Stage) -> None:
    (stage.folder / "spool").write_text("where a folder should be")
    stage.write()
    process = stage.start(count=100_000, variables={"TMPDIR": str(stage.folder / "spool")})
    until(lambda: len(stage.sent()) > 60)
    process.kill()
    out, err = process.communicate()
    seen = {line for line in out.split("\n")[:-1] if line}
    until(lambda: not processes(stage))
    assert len(seen) > 30
    assert seen <= stage.recorded(), err


def test_without_any_folder_and_database_its_keys_are_in_its_log_and_can_be_taken_back_in(stage: Stage) -> None:
    (stage.folder / "spool").write_text("where a folder should be")
    (stage.folder / "ledger.sqlite").write_text("this is no database" * 100)
    stage.write()
    done = stage.run(variables={"TMPDIR": str(stage.folder / "spool")})
    assert done.returncode == 0
    assert set(done.stdout.split()) == stage.sent()
    assert done.stderr.count("LEDGER_SPOOL_DIR") == 1
    assert "ledger: 0 sends recorded; 3 NOT RECORDED: take the lines that say so back in" in stage.signs[0]
    said = [line for line in done.stderr.splitlines() if "NOT RECORDED" in line]
    assert {json.loads(one[one.index("{") :])["answered"]["processQueryKey"] for one in said} == stage.sent()
    for name in ("spool", "ledger.sqlite"):
        (stage.folder / name).unlink()
    (stage.folder / "err").write_text(done.stderr)
    command = [sys.executable, "-m", "ledger", "import", "--from-log", str(stage.folder / "err")]
    subprocess.run(command, env=stage.environment, check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    assert stage.recorded() == stage.sent()


def test_a_library_that_is_not_what_it_was_costs_a_line_and_no_send(stage: Stage) -> None:
    (stage.folder / "aiohttp.py").write_text("WORD = 'an aiohttp of another kind'")
    stage.write(setup="import aiohttp")
    done = stage.run()
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ledger: aiohttp is not recorded")
    assert stage.recorded() == stage.sent()


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 15)", 128 + 15),
        ("import signal\nos.kill(os.getppid(), 15)\nsignal.pause()", 128 + 15),  # what others send to the first process
    ],
)
def test_in_a_container_nothing_is_left_when_the_first_process_ends(stage: Stage, end: str, code: int) -> None:
    # What a test cannot be is the first process; so it asks for what that one does.
    (stage.folder / "first.py").write_text(
        "import os, sys\n"
        "from ledger.entrypoints.cli import container\n"
        "from ledger.entrypoints.cli.commands import run\n"
        "from ledger.settings import Settings\n"
        "settings = Settings.load()\n"
        "variables = run.environment(os.environ, settings, 'spring', None)\n"
        "words = [sys.executable, 'sender.py', *sys.argv[1:]]\n"
        "sys.exit(container.stand_beside(lambda: run.become(sys.executable, words, variables), settings))\n"
    )
    stage.write(end=f"if os.fork() == 0:\n    os._exit(0)\n{end}")
    done = subprocess.run(
        [sys.executable, "first.py", stage.simulator.url, stage.simulator.world.issue_token(), "3"],
        cwd=stage.folder,
        env=stage.environment | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert len(stage.sent()) == 3
    with stage.book() as book:
        assert sum(line.messages for line in book.parts.campaign_reports.campaigns()) == 3, (
            "without a look at the spool"
        )


def test_keys_are_taken_in_while_the_sender_still_runs_and_nobody_stays_behind(stage: Stage) -> None:
    stage.write(end="import signal\nsignal.pause()")
    process = stage.start()
    with stage.book() as book:
        until(lambda: sum(line.messages for line in book.parts.campaign_reports.campaigns()) == 3)
    assert len(processes(stage)) == 2, "the sender, and who is beside it"
    process.kill()
    until(lambda: not processes(stage))


def processes(stage: Stage) -> list[int]:
    """Return the numbers of the living processes that were started with the folder of a stage in their environment."""
    mark, found = f"LEDGER_SPOOL_DIR={stage.folder / 'spool'}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def has_let_go(process: int) -> bool:
    """Return whether a process has closed its files: the last of its threads does, after the first is gone."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        return len(threads) == 1 and (threads[0] / "stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def test_a_traced_send_that_was_cut_is_counted(stage: Stage) -> None:
    stage.simulator.world.script(ScriptedAnswer(cut=Cut.AFTER_WORK))
    stage.write()
    assert stage.run(count=1).returncode == 1
    assert stage.keyless() == 1


@pytest.mark.parametrize("options", [(), ("--pass-secrets",)])
def test_a_sender_is_recorded_without_the_secrets_of_the_ledger_unless_it_is_given_them(
    stage: Stage, options: tuple[str, ...]
) -> None:
    stage.write(end="print(json.dumps(dict(os.environ)), file=sys.stderr)")
    secrets = {"LEDGER_APP_SECRET": "51c0ffee", "LEDGER_GATEWAY_KEY": "51c0ffee"}
    done = stage.run(options=options, count=2, variables={**secrets, "OWN_SECRET": "mine"})
    assert done.returncode == 0, done.stderr
    environment = json.loads(done.stderr)
    assert environment["OWN_SECRET"] == "mine"
    assert ("51c0ffee" in done.stderr) == bool(options)
    assert {name: environment[name] for name in secrets if name in environment} == (secrets if options else {})
    assert stage.recorded() == stage.sent()
    assert len(stage.sent()) == 2


def test_a_command_that_does_not_exist_ends_as_in_a_shell(stage: Stage) -> None:
    done = stage.run("no-such-sender")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "error: no-such-sender: no such command\n"


def test_what_is_not_python_runs_as_it_is_with_a_hint_at_the_gateway(stage: Stage) -> None:
    done = stage.run("sh", "-c", "echo out; exit 9")
    assert (done.returncode, done.stdout) == (9, "out\n")
    assert "ledger gateway" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("campaign", "variable", "says"),
    [("", "", "--campaign is empty"), ("spring", "LEDGER_SPOL_DIR", "LEDGER_SPOOL_DIR?")],
)
def test_what_is_wrong_from_the_start_is_said_before_anything_runs(
    stage: Stage, campaign: str, variable: str, says: str
) -> None:
    command = [sys.executable, "-m", "ledger", "run", "--campaign", campaign, "--", "touch", str(stage.folder / "ran")]
    environment = stage.environment | ({variable: "x"} if variable else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (stage.folder / "ran").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sender.py"], None),
        (["-u", "-m", "sender", "-I"], None),
        (["-W", "error", "-X", "dev", "sender.py", "-S"], None),
        (["-c", "pass", "-E"], None),
        (["-I", "sender.py"], "-I"),
        (["-uE", "sender.py"], "-E"),
        (["-B", "-S", "sender.py"], "-S"),
        (["-Wignore", "-sI", "-c", "pass"], "-I"),
    ],
)
def test_options_that_keep_python_from_loading_us_are_pointed_out(words: list[str], says: str | None) -> None:
    note = warning_about(sys.executable, ["python", *words])
    assert (note is None) if says is None else (note is not None and f"python {says} " in note)


@pytest.mark.parametrize(
    ("first", "is_python"),
    [
        ("#!/usr/bin/env python3\n", True),
        ("#!/opt/venv/bin/python\n", True),
        ("#!/bin/sh\n'''exec' /a/very/long/path/bin/python \"$0\" \"$@\"\n", True),
        ("#!/bin/sh\necho python\n", True),
        ("#!/bin/bash\necho\n", False),
        ("\x7fELF", False),
    ],
)
def test_scripts_are_told_by_their_first_lines(tmp_path: Path, first: str, is_python: bool) -> None:
    script = tmp_path / "send"
    script.write_text(first)
    assert (warning_about(str(script), ["send"]) is None) == is_python


def test_at_the_end_a_line_says_how_many_sends_were_recorded(stage: Stage) -> None:
    stage.write()
    stage.run(count=3)
    assert stage.signs == ["ledger: 3 sends recorded"]
    assert not list(Path(tempfile.gettempdir()).glob("ledger-run-*")), "nothing is left behind"


def test_the_line_counts_what_children_sent_and_what_has_no_key(stage: Stage) -> None:
    stage.simulator.world.script(ScriptedAnswer(cut=Cut.AFTER_WORK))
    stage.write(
        setup="if len(sys.argv) == 4:\n    import subprocess\n"
        "    subprocess.run([sys.executable, *sys.argv, 'child'])\n"
    )
    stage.run(count=2)
    assert stage.signs == ["ledger: 2 sends recorded, 1 send without a key"]


def test_a_sender_that_is_killed_has_its_line_all_the_same(stage: Stage) -> None:
    stage.write(end="os.kill(os.getpid(), 9)")
    assert stage.run(count=2).returncode == -signal.SIGKILL
    assert stage.signs == ["ledger: 2 sends recorded"]


def test_a_database_that_goes_away_on_the_way_leaves_what_came_before_recorded(stage: Stage) -> None:
    hold = stage.folder / "hold"
    stage.write(
        end="print('half', flush=True)\nimport time\n"
        f"while not os.path.exists({str(hold)!r}):\n    time.sleep(0.01)\n"
        f"requests.post(url + '{PATH}', json=body, headers=headers)"
    )
    process = stage.start()
    with stage.book() as book:
        until(lambda: sum(line.messages for line in book.parts.campaign_reports.campaigns()) == 3)
    for file in stage.folder.glob("ledger.sqlite*"):
        file.rename(file.with_name(f"away-{file.name}"))
    (stage.folder / "ledger.sqlite").mkdir()
    hold.touch()
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    signs, _ = taken_from(err)
    assert signs[0].startswith("ledger: 3 sends recorded, 1 waits in the spool: ")
    (stage.folder / "ledger.sqlite").rmdir()
    for file in stage.folder.glob("away-*"):
        file.rename(file.with_name(file.name.removeprefix("away-")))
    assert stage.recorded() == stage.sent()


@pytest.mark.parametrize("has_more_to_send", [True, False])
def test_when_the_companion_is_killed_the_sender_says_that_its_sends_may_wait(
    stage: Stage, has_more_to_send: bool
) -> None:
    end = "print('ready', flush=True)\nsys.stdin.read()\n"
    more = f"requests.post(url + '{PATH}', json=body, headers=headers)"
    stage.write(end=end + (more if has_more_to_send else ""))
    process = stage.start(stdin=subprocess.PIPE)
    assert process.stdout is not None
    while process.stdout.readline() not in ("ready\n", ""):
        pass
    (companion,) = set(processes(stage)) - {process.pid}
    os.kill(companion, signal.SIGKILL)
    until(lambda: has_let_go(companion))
    _, err = process.communicate("", timeout=PATIENCE_SECONDS)
    said = err.splitlines()
    if has_more_to_send:
        assert "gone (killed?), and what is sent waits in the spool: a worker or the next `ledger" in said.pop(0)
    (last,) = said
    assert f"gone (killed?), and up to {len(stage.sent())} sends wait in the spool" in last
    assert stage.recorded() == stage.sent()


@pytest.mark.parametrize("words", [["-I"], ["-E"], None])
def test_a_command_in_which_no_recorder_was_loaded_is_told_so(stage: Stage, words: list[str] | None) -> None:
    stage.write()
    sender = [
        sys.executable,
        *(words or []),
        "sender.py",
        stage.simulator.url,
        stage.simulator.world.issue_token(),
        "1",
    ]
    stage.run(*(["env", "-u", "PYTHONPATH", *sender] if words is None else sender))
    (line,) = stage.signs
    assert line.startswith("ledger: nothing was recorded: no Python of this command loaded the recorder")
    assert line.endswith("use `ledger gateway`")


BY_HTTP_CLIENT = (
    "import http.client\n"
    "def send():\n"
    "    line = http.client.HTTPConnection(url.removeprefix('http://'))\n"
    f"    line.request('POST', '{PATH}', json.dumps(body), headers)\n"
    "    return json.loads(line.getresponse().read())"
)


def test_a_library_that_is_not_hooked_is_named(stage: Stage) -> None:
    text = SENDER.format(setup=BY_HTTP_CLIENT, call="send()", end="", token_header=TOKEN_HEADER)
    (stage.folder / "sender.py").write_text(text)
    done = stage.run(variables={"LEDGER_API_URL": stage.simulator.url})
    assert done.returncode == 0, done.stderr
    assert len(stage.sent()) == 3
    assert stage.signs == [
        "ledger: 0 sends recorded; http.client talked to DingTalk and is not recorded: use `ledger gateway`"
    ]


@pytest.mark.parametrize("library", list(CALLS))
def test_a_library_that_is_hooked_is_not_blamed(stage: Stage, library: str) -> None:
    stage.write(library)
    stage.run(variables={"LEDGER_API_URL": stage.simulator.url})
    assert stage.signs == ["ledger: 3 sends recorded"]


def test_settings_tag_a_whole_process(stage: Stage) -> None:
    stage.write()
    command = [sys.executable, "-m", "ledger", "run", "--", sys.executable, "sender.py"]
    given = {"LEDGER_CAMPAIGN": "from-settings", "LEDGER_SOURCE": "cron"}
    arguments = [stage.simulator.url, stage.simulator.world.issue_token(), "1"]
    environment = stage.environment | given
    subprocess.run([*command, *arguments], cwd=stage.folder, env=environment, check=True, timeout=PATIENCE_SECONDS)
    with stage.book() as book:
        assert [(line.campaign, line.messages) for line in book.campaigns()] == [("from-settings", 1)]
        assert book.plan(source="cron", reason="x").eligible == 1
