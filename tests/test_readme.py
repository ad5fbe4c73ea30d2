"""The README keeps its word: its commands exist, its settings are those of the code, its example runs."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.settings import PREFIX, Settings
from ledger.simulator import TOKEN_HEADER, Simulator

SEND_PATH = "/v1.0/robot/oToMessages/batchSend"
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_two_blocks_are_the_two_commands_of_a_newcomer_one_line_each() -> None:
    first, second, *_ = blocks("[a-z]+")
    assert (first, second) == tuple(blocks("sh"))
    assert first.count("\n") == second.count("\n") == 1
    assert "ledger demo" in first
    assert "pytest" in second


def test_every_setting_stands_in_the_table_and_no_other() -> None:
    named = set(re.findall(r"`(LEDGER_[A-Z_]+)`", README))
    settings = {PREFIX + name.upper() for name in Settings.model_fields if name != "apps"}
    assert named - {"LEDGER_CONFIG", "LEDGER_ACTOR"} == settings


def test_every_command_that_is_named_exists() -> None:
    done = subprocess.run([sys.executable, "-m", "ledger", "--help"], capture_output=True, text=True, timeout=60)
    named = set(re.findall(r"(?:`|^ *|bin/)ledger ([a-z]+)", README, re.MULTILINE))
    assert named >= {"record", "import", "recall", "history", "verify"}
    assert {name for name in named if not re.search(rf"\b{name}\b", done.stdout)} == set()


def test_the_python_examples_record_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    names: dict[str, Any] = {"key": "k+/=", "robot": "r", "users": ["ann"], "moment": datetime.now(UTC)}
    with Simulator() as simulator:
        names |= sending_at(simulator)
        for example in blocks("python"):
            exec(compile(example, "README.md", "exec"), names)  # noqa: S102  (the point of the test)
        names["client"].close()
    with names["book"] as book:
        (line,) = book.campaigns()
    assert (line.campaign, line.messages) == ("spring", 2)


def test_the_door_without_a_line_records_an_unchanged_sender(tmp_path: Path) -> None:
    (command,) = [block for block in blocks("bash") if "ledger run" in block]
    with Simulator() as simulator:
        given = sending_at(simulator)
        (tmp_path / "sender.py").write_text(
            "import requests\n"
            f"answer = requests.post({given['dingtalk'] + SEND_PATH!r}, headers={given['headers']}, "
            f"json={given['message']})\n"
            "print(answer.json()['processQueryKey'])\n"
        )
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        environment = clean | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LEDGER_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite'}",
        }
        shown = [
            subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)  # noqa: S602
            for line in (command, "ledger campaigns --json")
        ]
    (message,) = simulator.world.messages()
    assert shown[0].stdout == f"{message.key}\n"
    assert [(line["campaign"], line["messages"]) for line in json.loads(shown[1].stdout)] == [("spring", 1)]


def sending_at(simulator: Simulator) -> dict[str, Any]:
    """Return what the examples leave to their reader: where to send to, and what."""
    return {
        "dingtalk": simulator.url,
        "headers": {TOKEN_HEADER: simulator.world.issue_token()},
        "message": {"robotCode": "r", "userIds": ["bob"], "msgKey": "sampleText", "msgParam": "{}"},
    }
