"""The examples of the pages run as they stand."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from configparser import ConfigParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger import Ledger
from ledger.core.recording.row import Row
from ledger.settings import Settings
from ledger.simulator import TOKEN_HEADER, Simulator
from tests.cli.conftest import ROBOT, UNHURRIED, Shell
from tests.cli.terminal import on_terminal
from tests.forked_command import write_stand_in

from .commands import asked_of_ledger, command_of, lines_of, options_of, take
from .pages import PAGES, README, ROOT, Block, block_with, blocks, prose_of

SEND_PATH = "/v1.0/robot/oToMessages/batchSend"
SHELL = ("bash", "sh")
LANGUAGES = {*SHELL, "dockerfile", "ini", "json", "mermaid", "python", "text", "toml", "yaml"}
# The app of the pages: only the app that sent a message can recall it.
APP = "dingxxxxxxxx"
LISTENERS = ("serve", "gateway", "mcp")
STORIES = sorted({block.page for block in blocks("bash") if block.remark is None})
PYTHON_PAGES = sorted({block.page for block in blocks("python")})


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_no_block_is_in_a_language_that_nobody_runs() -> None:
    assert {block.language for block in blocks()} <= LANGUAGES


def test_a_block_that_is_not_run_here_says_who_runs_it_or_why_nobody_does() -> None:
    for block in blocks():
        run_by = re.fullmatch(r"run by (\S+)", block.remark or "")
        assert block.remark is None or run_by or re.fullmatch(r"not run: \w.+", block.remark), block
        assert run_by is None or (ROOT / run_by[1]).is_file(), block


@pytest.mark.parametrize("block", blocks(*SHELL), ids=str)
def test_the_command_takes_every_argument_of_an_example(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in lines_of(block.text):
        for arguments in asked_of_ledger(line):
            take(arguments)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_option_that_the_text_names_with_its_command_exists(page: Path) -> None:
    for code in re.findall(r"`(ledger [^`]+)`", prose_of(page)):
        command, rest = command_of(code.split()[1:])
        named = {word.partition("=")[0] for word in rest if word.startswith("--") and word != "--"}
        assert named - options_of(command) == set(), f"{page.name}: {code}"
        assert not hasattr(command, "commands") or not rest or rest[0].startswith("--"), f"{page.name}: {code}"


class Bash(Shell):
    """Runs lines of shell in its folder, where `ledger` is this one."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the command, and where it is."""
        inherited = super().environment
        found = f"{self.folder / 'bin'}{os.pathsep}{Path(sys.executable).parent}"
        return inherited | {"PATH": f"{found}{os.pathsep}{inherited['PATH']}"}

    def start(self, *args: str, stream: int, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a line on a terminal of its own, with a command that starts quickly."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir(exist_ok=True)
        write_stand_in(bin_folder / "ledger")
        return subprocess.Popen(
            self.command(*args),
            env=self.environment | variables,
            stdin=stream,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )

    def command(self, *args: str) -> Sequence[str]:
        """Return the words that run a line."""
        (line,) = args
        return ["bash", "-euo", "pipefail", "-c", f"cd {self.folder}; {line}"]


@pytest.mark.parametrize("page", STORIES, ids=name_of)
def test_the_lines_of_a_page_work_one_after_the_other(page: Path, tmp_path: Path) -> None:
    with Simulator(behaviour=UNHURRIED) as simulator:
        shell = Bash(tmp_path, simulator.url, {"LEDGER_APP_KEY": APP})
        prepare(shell, simulator)
        for block in blocks("bash", page=page):
            for line in lines_of(block.text) if block.remark is None else ():
                follow(shell, simulator, line)


def prepare(shell: Bash, simulator: Simulator) -> None:
    """Make what the pages take for granted: messages that were sent, files of them, a sender."""
    recorded = Shell(shell.folder, shell.api_url)
    recorded.send(simulator, 2, users=("ann", "bob"), campaign="spring")
    recorded.send(simulator, 1, users=("zhang.san",), campaign="news")
    recorded.send(simulator, 1, users=("ann",), campaign="offer")
    attached = recorded.send(simulator, 1, users=("ann",))
    (shell.folder / "keys.txt").write_text("\n".join(attached))
    now = datetime.now(UTC)
    (key,) = simulator.world.make_messages(1, robot_code=ROBOT, sent_at=now, users=("ann",))
    row = {"processQueryKey": key, "robotCode": ROBOT, "userIds": ["ann"], "sentAt": now.isoformat()}
    (shell.folder / "sent.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    (shell.folder / "sender.py").write_text(sender(simulator))


def follow(shell: Bash, simulator: Simulator, line: str) -> None:
    """Do what a reader does with a line: put in what it leaves open, say yes, and end what runs until it is ended."""
    if line.startswith("export "):
        shell.variables |= dict(word.split("=", 1) for word in line.split()[1:])
        return
    if "THE processQueryKey" in line:
        robot = re.findall(r"--robot (\S+)", line)[0]
        sent_at = datetime.now(UTC) - timedelta(minutes=1)
        (key,) = simulator.world.make_messages(1, robot_code=robot, sent_at=sent_at, users=("you",))
        line = line.replace("THE processQueryKey", key)
    arguments = next(asked_of_ledger(line))
    if arguments[0] in LISTENERS:
        # The port may be taken, and nothing of a test is for other machines.
        start = line.partition("#")[0].replace("0.0.0.0", "127.0.0.1") + " --port 0"  # noqa: S104
        with on_terminal(shell, f"exec {start}" if start.startswith("ledger") else start) as terminal:
            terminal.wait_for("http://127.0.0.1:", seconds=60)
            os.killpg(terminal.process.pid, signal.SIGTERM)
            assert terminal.end() == 0, terminal.shown
        return
    with on_terminal(shell, line) as terminal:
        if arguments[0] == "recall" and not {"--dry-run", "--yes"} & set(arguments):
            terminal.wait_for("Really recall", seconds=60)
            terminal.wait_for("?")
            number = re.search(r"Really recall ([\d,]+) message", terminal.shown)
            assert number is not None
            terminal.wait_for("[y/N]" if number[1] == "1" else "to confirm:")
            terminal.type("y" if number[1] == "1" else number[1])
        assert terminal.end() == 0, f"{line}: {terminal.shown}"


def sender(simulator: Simulator) -> str:
    """Return a program that sends one message and prints its key."""
    given = sending_at(simulator)
    return (
        "import requests\n"
        f"answer = requests.post({given['dingtalk'] + SEND_PATH!r}, headers={given['headers']}, "
        f"json={given['message']})\n"
        "print(answer.json()['processQueryKey'])\n"
    )


def sending_at(simulator: Simulator) -> dict[str, Any]:
    """Return what the examples leave to their reader: where to send to, and what."""
    return {
        "dingtalk": simulator.url,
        "headers": {TOKEN_HEADER: simulator.world.issue_token(APP)},
        "message": {"robotCode": "r", "userIds": ["bob"], "msgKey": "sampleText", "msgParam": "{}"},
    }


def recording_at(simulator: Simulator) -> dict[str, Any]:
    """Return what the examples that record by hand leave to their reader: keys, with whom they reached, and when."""
    moment = datetime.now(UTC) - timedelta(minutes=5)
    key, *others = simulator.world.make_messages(3, robot_code=ROBOT, sent_at=moment, users=("ann",))
    common = {"robotCode": ROBOT, "userIds": ["ann"], "sentAt": moment.isoformat()}
    rows = [{**common, "processQueryKey": other} for other in others]
    return {"key": key, "robot": ROBOT, "users": ["ann"], "moment": moment, "rows": rows}


def test_the_door_without_a_line_records_an_unchanged_sender(tmp_path: Path) -> None:
    (line,) = (block.text for block in blocks("bash", page=README) if block.text.startswith("ledger run"))
    with Simulator() as simulator:
        shell = Bash(tmp_path, simulator.url, {"LEDGER_APP_KEY": APP})
        (tmp_path / "sender.py").write_text(sender(simulator))
        ended = [
            subprocess.run(shell.command(each), env=shell.environment, capture_output=True, text=True, check=True)
            for each in (line, "ledger campaigns --json")
        ]
    (message,) = simulator.world.messages()
    assert ended[0].stdout == f"{message.key}\n"
    assert [(one["campaign"], one["messages"]) for one in json.loads(ended[1].stdout)] == [("spring", 1)]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=name_of)
def test_the_python_examples_of_a_page_work_one_after_the_other(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    monkeypatch.setenv("LEDGER_APP_KEY", APP)
    monkeypatch.setenv("LEDGER_APP_SECRET", "secret")
    with Simulator(behaviour=UNHURRIED) as simulator:
        monkeypatch.setenv("LEDGER_API_URL", simulator.url)
        names = sending_at(simulator) | recording_at(simulator)
        for example in blocks("python", page=page):
            exec(compile(example.text, str(example), "exec"), names)  # noqa: S102  (the point of the test)
        names["client"].close()
        names["book"].close()
        with Ledger() as book:
            again = book.plan(campaign="spring", reason="look") if "result" not in names else None
            result = book.run(again) if again is not None else names["result"]
            items = list(book.history())
    sent = {message.key for message in simulator.world.messages()}
    recorded = {item.process_query_key for item in items}
    by_hand = {names["key"], *(row["processQueryKey"] for row in names["rows"])}
    assert sent - by_hand <= recorded
    assert (by_hand <= recorded) == any("record_many" in block.text for block in blocks("python", page=page))
    assert (result.recalled, result.status) == (len(recorded), "finished")


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_a_row_that_a_page_shows_can_be_imported(block: Block) -> None:
    message = Row.read(json.loads(block.text)).to_message()
    assert message.recipients


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_a_file_of_settings_that_a_page_shows_is_read(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger.toml").write_text(block.text)
    monkeypatch.setenv("LEDGER_CONFIG", str(tmp_path / "ledger.toml"))
    shown, read = tomllib.loads(block.text), Settings.load()
    assert set(shown) <= set(Settings.model_fields)
    for name in ("apps", "notify_urls", "notify_events"):
        assert set(getattr(read, name)) == set(shown.get(name, {}))


def test_a_client_that_is_set_up_as_a_page_says_starts_what_the_command_takes() -> None:
    (server,) = json.loads(block_with("mcpServers", language="text").text)["mcpServers"].values()
    assert server["command"] == "ledger"
    take(server["args"])


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_what_a_page_gives_prometheus_to_read_is_yaml(block: Block) -> None:
    assert yaml.safe_load(block.text)["scrape_configs"][0]["static_configs"]


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_a_unit_of_a_page_starts_commands_that_exist(block: Block) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read_string(block.text)
    words = unit["Service"]["ExecStart"].split()
    assert words[1:] == ["%i", "$OPTIONS"]
    for command in ("serve", "gateway", "worker"):
        take([command])


@pytest.mark.parametrize("block", blocks("dockerfile"), ids=str)
def test_an_image_of_a_page_copies_what_exists_and_starts_what_the_command_takes(block: Block) -> None:
    copied = [
        line.split()[1:-1] for line in block.text.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert copied
    assert [path for paths in copied for path in paths if not (ROOT / path).exists()] == []
    (started,) = re.findall(r"^CMD (\[.*\])$", block.text, re.MULTILINE)
    take(json.loads(started))
