"""The examples of the pages run as they stand."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.simulator import TOKEN_HEADER, Simulator

from .pages import ROOT, Block, blocks

SEND_PATH = "/v1.0/robot/oToMessages/batchSend"


PYTHON_PAGES = sorted({block.page for block in blocks("python")})
RUNS = [block for block in blocks("bash") if block.text.startswith("ledger run")]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_examples_record_what_is_sent(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    names: dict[str, Any] = {"key": "k+/=", "robot": "r", "users": ["ann"], "moment": datetime.now(UTC)}
    with Simulator() as simulator:
        names |= sending_at(simulator)
        for example in blocks("python", page=page):
            exec(compile(example.text, str(example), "exec"), names)  # noqa: S102  (the point of the test)
        names["client"].close()
    with names["book"] as book:
        (line,) = book.campaigns()
    by_hand = any("book.record(" in block.text for block in blocks("python", page=page))
    assert (line.campaign, line.messages) == ("spring", 1 + by_hand)


@pytest.mark.parametrize("command", RUNS, ids=str)
def test_the_door_without_a_line_records_an_unchanged_sender(command: Block, tmp_path: Path) -> None:
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
            for line in (command.text, "ledger campaigns --json")
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
