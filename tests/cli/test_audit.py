"""`ledger audit`: what a person at a shell sees of keys, checkpoints, checks and evidence."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ledger.simulator import Simulator
from tests.forked_command import ForkedCommand

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
    assert (again.code, "never replaced" in again.err) == (2, True)


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


def test_a_file_of_checkpoints_that_is_gone_is_not_passed_over(signing: Shell) -> None:
    signing("audit", "checkpoint")
    copy = signing.folder / "copy.jsonl"
    kept(signing).rename(copy)
    ended = signing("audit", "verify")
    assert (ended.code, "is not there" in ended.err, "--checkpoint" in ended.err) == (1, True, True)
    assert signing("audit", "verify", "--json").json["ok"] is False
    assert signing("audit", "verify", "--checkpoint", str(copy)).code == 0


def test_a_file_that_is_nested_beyond_measure_is_no_file_of_checkpoints(signing: Shell) -> None:
    odd = signing.folder / "odd.jsonl"
    odd.write_text("[" * 100_000 + "]" * 100_000)
    ended = signing("audit", "verify", "--checkpoint", str(odd))
    assert (ended.code, "holds no checkpoint" in ended.err) == (2, True)


def test_where_only_what_is_shown_was_changed_the_history_is_said_to_be_as_written(signing: Shell) -> None:
    signing("audit", "checkpoint")
    with closing(sqlite3.connect(signing.folder / "ledger.sqlite")) as connection, connection:
        connection.execute("UPDATE recalls SET reason = 'the board'")
    ended = signing("audit", "verify")
    assert (ended.code, "what is shown does not follow" in ended.out) == (1, True)
    exported = signing("audit", "export", "--recall", "1", str(signing.folder / "evidence"))
    assert (exported.code, "recall 1 is not what the history says" in exported.err) == (1, True)
    document = signing("audit", "export", "--recall", "1", str(signing.folder / "again"), "--json")
    assert (document.code, document.json["disputed"]) == (1, [1])


def test_verify_says_what_is_proven_and_by_whom(signing: Shell) -> None:
    key = str(signing.folder / "audit.key.pub")
    signing("audit", "checkpoint")
    ended = signing("audit", "verify", "--public-key", key)
    assert (ended.code, ended.err) == (0, "")
    assert "The history is whole" in ended.out
    assert "Proven: the first" in ended.out
    assert "Not proven" not in ended.out
    elsewhere = signing.folder / "elsewhere.jsonl"
    kept(signing).rename(elsewhere)
    found = signing("audit", "verify", "--checkpoint", str(elsewhere), "--public-key", key, "--json").json
    assert (found["ok"], found["proven_entries"], found["damages"]) == (True, found["entries"], [])
    assert {one["signed"] for one in found["checkpoints"]} == {"yes"}


def test_verify_says_plainly_what_it_cannot_prove_without_a_checkpoint(shell: Shell) -> None:
    ended = shell("audit", "verify")
    assert ended.code == 0
    assert "Not proven: that nothing was cut off its end" in " ".join(ended.out.split())


def test_verify_names_what_was_done_and_ends_with_1(signing: Shell) -> None:
    signing("audit", "checkpoint")
    change(signing, "DELETE FROM history WHERE id > 2")
    ended = signing("audit", "verify", "--checkpoint", str(kept(signing)))
    assert ended.code == 1
    assert ended.out.startswith("cut: ")
    assert "As written: the first 2 entries" in ended.out
    change(signing, "UPDATE history SET actor = 'mallory' WHERE id = 1")
    assert "edited: entry 1 (place 1)" in signing("audit", "verify").out


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_folder_is_no_place_for_a_key(shell: Shell, name: str) -> None:
    ended = shell("audit", "keygen", name)
    assert (ended.code, ended.err) == (2, f"error: {name} is a folder: name a file in it\n")


def test_the_key_is_named_so_that_it_is_found_from_any_folder(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        f"set LEDGER_AUDIT_KEY_FILE={tmp_path}/my.key, and hand my.key.pub to" in shell("audit", "keygen", "my.key").err
    )


def test_verify_calls_nothing_proven_from_an_edited_entry_on(signing: Shell) -> None:
    signing("audit", "checkpoint")
    change(signing, "UPDATE history SET actor = 'mallory' WHERE id = 3")
    ended = signing("audit", "verify")
    assert "As written: the first 2 entries" in ended.out
    assert "Proven: the first 2 entries are what key" in ended.out
    change(signing, "UPDATE history SET actor = 'mallory' WHERE id = 2")
    assert "Proven: the first entry is what key" in signing("audit", "verify").out
    change(signing, "UPDATE history SET actor = 'mallory' WHERE id = 1")
    assert "Proven" not in signing("audit", "verify").out


def test_verify_also_looks_for_a_digest_that_was_kept(signing: Shell) -> None:
    signing("audit", "checkpoint")
    digest = signing("audit", "verify", "--json").json["last_digest"]
    assert signing("audit", "verify", "--digest", digest).code == 0
    ended = signing("audit", "verify", "--digest", "f" * 64)
    assert (ended.code, "digest that you kept" in ended.out) == (1, True)


def test_verify_refuses_a_file_without_checkpoints_and_what_is_no_key(signing: Shell) -> None:
    (signing.folder / "empty").write_text("nothing\n")
    assert signing("audit", "verify", "--checkpoint", str(signing.folder / "empty")).code == 2
    assert signing("audit", "verify", "--checkpoint", str(signing.folder / "none")).code == 2
    assert signing("audit", "verify", "--public-key", str(signing.folder / "empty")).code == 2


def test_a_log_may_hold_the_checkpoints(signing: Shell) -> None:
    line = signing("audit", "checkpoint").out
    log = signing.folder / "log"
    log.write_text(f"Nov 26 12:00:00 host sshd: hello\nNov 26 12:00:01 host ledger: {line}")
    found = signing("audit", "verify", "--checkpoint", str(log), "--json").json
    assert found["proven_entries"] == found["entries"]


@pytest.mark.parametrize("command", [("verify",), ("verify", "--json"), ("audit", "verify"), ("doctor",)])
def test_what_was_found_counts_also_for_a_reader_who_left(signing: Shell, command: tuple[str, ...]) -> None:
    change(signing, "UPDATE recall_items SET campaign = 'autumn'", "UPDATE history SET actor = 'mallory'")
    signing.variables["LEDGER_AUDIT_KEY_FILE"] = str(signing.folder / "no.key")
    signing("audit", "checkpoint")
    signing.variables["LEDGER_APP_KEY"] = "" if command == ("doctor",) else "key"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody, Path(os.devnull).open("r+b") as nothing:
        process = ForkedCommand(command, env=signing.environment, stdin=nothing, stdout=nobody, stderr=nothing)
        assert process.wait() == 1


def change(shell: Shell, *statements: str) -> None:
    """Change the file as somebody does who has it."""
    connection = sqlite3.connect(shell.folder / "ledger.sqlite")
    for name in ("history_no_update", "history_no_delete"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_export_hands_out_a_folder_that_checks_itself(signing: Shell) -> None:
    folder = signing.folder / "evidence"
    ended = signing("audit", "export", "--campaign", "spring", str(folder), "--actor", "eve", "--json")
    assert ended.code == 0, ended.err
    assert (ended.json["recalls"], "recall-1.zh.html" in ended.json["files"]) == ([1], True)
    done = subprocess.run([sys.executable, str(folder / "verify.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert signing("audit", "verify", "--json").json["not_proven"] == []
    again = signing("audit", "export", "--recall", "1", str(folder))
    assert (again.code, "not empty" in again.err) == (2, True)


def test_a_place_where_nothing_can_be_made_is_refused_with_what_to_do(signing: Shell) -> None:
    place = str(signing.folder / "kept.jsonl" / "new")
    signing("audit", "checkpoint")
    for words in (
        ("audit", "export", "--recall", "1", place),
        ("audit", "keygen", place),
        ("people", "--recall", "1", "--xlsx", place),
        ("person", "export", "--user", "ann", "-o", place),
    ):
        ended = signing(*words)
        assert (ended.code, f"{place} cannot be" in ended.err) == (2, True), ended.err
        assert "name a" in ended.err


def test_export_wants_to_know_of_which_recalls(signing: Shell) -> None:
    for options in ((), ("--recall", "1", "--campaign", "spring"), ("--recall", "99"), ("--campaign", "autumn")):
        ended = signing("audit", "export", *options, str(signing.folder / "evidence"))
        assert ended.code == 2, options
    assert not (signing.folder / "evidence").exists()


def test_export_without_a_key_warns_that_nobody_signs(shell: Shell, simulator: Simulator) -> None:
    shell.send(simulator, 1, campaign="spring")
    shell("recall", "--campaign", "spring", "--reason", "typo", "--actor", "ann", "--yes")
    ended = shell("audit", "export", "--recall", "1", str(shell.folder / "evidence"))
    assert (ended.code, "nobody signs this" in ended.err) == (0, True)
