"""The README keeps its word: its commands exist, its settings are those of the code, its example runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.settings import PREFIX, Settings

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


def test_the_python_example_records_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    names = {"key": "k+/=", "robot": "r", "users": ["ann"], "moment": "2026-03-01T10:00:00+08:00"}
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102  (the point of the test)
    book = names["book"]
    assert book.campaigns()[0].campaign == "spring"  # type: ignore[attr-defined]
    book.close()  # type: ignore[attr-defined]
