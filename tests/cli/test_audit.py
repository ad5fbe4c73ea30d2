"""`ledger audit`: what a person at a shell sees of keys, checkpoints, checks and evidence."""

import json
from pathlib import Path

import pytest

from ledger.simulator import Simulator

from .conftest import Shell


@pytest.fixture
def signing(shell: Shell, simulator: Simulator) -> Shell:
    """A ledger with a key, a file outside, and a recall behind it."""
    ended = shell("audit", "keygen", str(shell.folder / "audit.key"))
    assert ended.code == 0, ended.err
    shell.variables["LEDGER_AUDIT_KEY_FILE"] = str(shell.folder / "audit.key")
    shell.variables["LEDGER_AUDIT_CHECKPOINT_FILE"] = str(shell.folder / "kept.jsonl")
    shell.send(simulator, 2, campaign="spring")
    assert shell("recall", "--campaign", "spring", "--reason", "typo", "--actor", "ann", "--yes").code == 0
    return shell


def kept(shell: Shell) -> Path:
    """The file outside."""
    return shell.folder / "kept.jsonl"


def test_keygen_says_what_to_do_with_both_halves(shell: Shell) -> None:
    ended = shell("audit", "keygen", str(shell.folder / "k"), "--json")
    assert set(ended.json) == {"key", "private_key", "public_key"}
    again = shell("audit", "keygen", str(shell.folder / "k"))
    assert (again.code, "never replaced" in again.err) == (1, True)


def test_a_checkpoint_is_a_line_on_stdout_and_in_the_file(signing: Shell) -> None:
    ended = signing("audit", "checkpoint")
    assert ended.code == 0, ended.err
    assert ended.out == kept(signing).read_text()
    assert "kept by file" in ended.err
    assert signing("audit", "checkpoint", "--json").json["checkpoint"] == json.loads(ended.out) | {
        name: json.loads(kept(signing).read_text().splitlines()[1])[name] for name in ("at", "signature")
    }


def test_a_checkpoint_that_does_not_arrive_is_an_error_and_written_all_the_same(signing: Shell) -> None:
    signing.variables["LEDGER_AUDIT_CHECKPOINT_FILE"] = str(signing.folder / "none" / "kept.jsonl")
    ended = signing("audit", "checkpoint")
    assert (ended.code, json.loads(ended.out)["version"]) == (1, 1)
    assert "did not reach file" in ended.err


def test_without_a_key_it_says_how_to_get_one(shell: Shell) -> None:
    ended = shell("audit", "checkpoint")
    assert (ended.code, "ledger audit keygen" in ended.err) == (1, True)
