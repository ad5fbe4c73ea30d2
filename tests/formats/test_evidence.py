"""Evidence stands alone: it is checked without us, and whatever somebody changes in it is found."""

import base64
import csv
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import update

from ledger import Ledger
from ledger.clock import parse_time
from ledger.core.audit import chain, merkle
from ledger.core.audit.signing import make_key, public_pem
from ledger.core.period import ALWAYS
from ledger.core.recalls.selection import select
from ledger.entrypoints.formats.evidence import verify
from ledger.entrypoints.formats.evidence.folder import EvidenceFolder
from ledger.entrypoints.formats.evidence.place import UNFINISHED
from ledger.entrypoints.formats.evidence.workbook import write_workbook
from ledger.errors import ApprovalNeededError, InputError, RefusedFileError, UnwritableFileError
from ledger.services.audit.keys import generate, private_key
from ledger.simulator import FailedReason, World
from ledger.store.database import Database
from ledger.store.schema import metadata
from tests.conftest import MakeLedger
from tests.sending import send


@pytest.fixture
def book(make_ledger: MakeLedger, world: World, tmp_path: Path) -> Ledger:
    """A ledger that signs: a recall of which one message was refused and asked again, one with a second person."""
    generate(tmp_path / "audit.key")
    book = make_ledger(audit_key_file=tmp_path / "audit.key", approval_recipients=3)
    keys = send(book, world, 3, users=["ann", "bob"])
    world.change(failed_reasons={keys[0]: FailedReason(reason="<b>no</b>"), keys[1]: FailedReason(reason="no")})
    first = book.run(book.plan(campaign="spring", reason="wrong <link>", actor="wang")).recall_id
    world.change(failed_reasons={keys[0]: FailedReason(reason="<b>no</b>")})
    book.retry(first, actor="bob")
    send(book, world, 5, campaign="=1+1", users=["007"])
    send(book, world, 1, campaign="=1+1", users=["ann", "bob", "cy", "dan"])
    plan = book.plan(campaign="=1+1", reason="@both", actor="wang")
    with pytest.raises(ApprovalNeededError):
        book.run(plan, actor="wang")
    book.parts.lifecycle.approve(plan.recall_id, actor="li")
    return book


def handed_out(book: Ledger, folder: Path, *recalls: int, is_signed: bool = True) -> Path:
    """Hand out evidence, and return where it is."""
    key = private_key(book.parts.settings) if is_signed else None
    evidence = EvidenceFolder(folder, book.parts.recall_reports, recalls)
    evidence.begin()
    evidence.write(book.parts.evidence.hand_out(recalls, "auditor", is_signed=is_signed), "auditor", key)
    return folder


def checked(folder: Path, own_key: Path | None = None) -> list[str]:
    """Check a folder with its own file; return what is wrong."""
    check = verify.FolderCheck(folder)
    assert check.run(own_key) is not bool(check.wrong)
    return check.wrong


def test_it_fits_and_is_checked_by_python_alone_without_us(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1, 2)
    alone = [sys.executable, "-I", "-S", str(folder / "verify.py")]
    done = subprocess.run(alone, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "everything fits" in done.stdout
    assert checked(folder, tmp_path / "audit.key.pub") == []
    assert {path.name for path in folder.iterdir()} == {
        *("entries.jsonl", "messages.jsonl", "messages.csv", "recalls.csv", "evidence.xlsx", "checkpoint.json"),
        *("verify.py", "public-key.pem", "manifest.json"),
        *(f"recall-{number}.{language}.html" for number in (1, 2) for language in ("en", "zh")),
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_that_it_was_handed_out_is_an_entry_under_the_same_signature(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1)
    entries = [json.loads(line) for line in (folder / "entries.jsonl").read_text().splitlines()]
    assert (entries[-1]["event"], entries[-1]["actor"]) == ("exported", "auditor")
    assert entries[-1]["detail"] == {"recalls": [1]}
    assert {entry["recall_id"] for entry in entries[:-1]} == {1}
    assert book.verify().ok


Change = Callable[[list[dict[str, Any]]], Any]
CHANGES: dict[str, tuple[str, Change, str]] = {
    "an actor": ("entries.jsonl", lambda rows: rows[1].update(actor="mallory"), "was edited"),
    "an outcome": ("entries.jsonl", lambda rows: rows[2]["detail"].update(items=[]), "was edited"),
    "the order": ("entries.jsonl", lambda rows: rows.reverse(), "not in the order"),
    "a place": ("entries.jsonl", lambda rows: rows[1].update(place=0), "not at this place"),
    "a path": ("entries.jsonl", lambda rows: rows[1].update(path=rows[1]["path"][:-1]), "does not stand in"),
    "a shown outcome": ("messages.jsonl", lambda rows: rows[0].update(outcome="unknown"), "the history says"),
    "a message": ("messages.jsonl", lambda rows: rows.pop(), "is left out"),
    "a message more": (
        "messages.jsonl",
        lambda rows: rows.append({**rows[0], "recall_id": 9}),
        "history says None",
    ),
}


def test_whoever_changes_it_is_found_even_when_the_list_of_files_fits(book: Ledger, tmp_path: Path) -> None:
    whole = handed_out(book, tmp_path / "out", 1)
    for what, (name, change, said) in CHANGES.items():
        folder = shutil.copytree(whole, tmp_path / what)
        rows = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        change(rows)
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        assert any("is not what was handed out" in one for one in checked(folder)), what
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
        wrong = checked(folder)
        assert any(said in one for one in wrong), (what, wrong)
        assert any("list of files does not have the signature" in one for one in wrong), what


def test_what_is_shown_and_is_not_what_the_history_says_is_never_signed_unsaid(
    book: Ledger, tmp_path: Path, database: Database
) -> None:
    shown = metadata.tables["recalls"], metadata.tables["approvals"], metadata.tables["recall_items"]
    with database.write() as connection:
        of_second = (shown[0].c.id == 2, shown[1].c.recall_id == 2, shown[2].c.recall_id == 2)
        connection.execute(update(shown[0]).where(of_second[0]).values(reason="the board", actor="mallory"))
        connection.execute(update(shown[1]).where(of_second[1]).values(decided_by="zhang"))
        connection.execute(update(shown[2]).where(of_second[2]).values(robot_code="another"))
    folder = handed_out(book, tmp_path / "out", 1, 2)
    wrong = checked(folder, tmp_path / "audit.key.pub")
    assert wrong == [
        "reason of recall 2 is shown as 'the board', and the history says '@both'",
        "actor of recall 2 is shown as 'mallory', and the history says 'wang'",
        "approved_by of recall 2 is shown as 'zhang', and the history says 'li'",
        "recall 2 is shown with values that are not what the history says: its page names them",
    ]
    pages = [(folder / f"recall-{number}.en.html").read_text() for number in (1, 2)]
    assert ["Not what the history says" in page for page in pages] == [False, True]
    for text in ("recall: reason", "@both", "second person: decided_by", "<td>li</td>", "message: robot_code"):
        assert text in pages[1], text
    chinese = (folder / "recall-2.zh.html").read_text()
    assert [text for text in ("与台账记录不符", "第二人审批: decided_by") if text not in chinese] == []
    assert json.loads((folder / "manifest.json").read_text())["disputed"] == [2]


def test_a_second_person_whom_nobody_asked_and_a_recall_that_nobody_planned_are_found(
    book: Ledger, tmp_path: Path
) -> None:
    folder = handed_out(book, tmp_path / "out", 1)
    with (folder / "recalls.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    with (folder / "recalls.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows(({**row, "approved_by": "zhang"}, {**row, "recall_id": "9"}))
    wrong = checked(folder)
    assert "recall 1 names a second person of whom the history says nothing" in wrong
    assert "of recall 9 the history says nothing" in wrong


def test_a_page_says_who_did_without_a_second_person_why_and_who_reviewed_it(
    book: Ledger, world: World, tmp_path: Path
) -> None:
    send(book, world, 4, campaign="summer", users=["ann", "bob"])
    plan = book.plan(campaign="summer", reason="@wrong price", actor="wang")
    book.parts.lifecycle.run(plan.recall_id, actor="wang", break_glass="nobody is <awake>")
    open_one = (handed_out(book, tmp_path / "open", 3) / "recall-3.en.html").read_text()
    assert "started without one by wang" in open_one
    assert "nobody is &lt;awake&gt;" in open_one
    assert "nobody has reviewed that" in open_one
    assert "None was needed" not in open_one
    book.parts.lifecycle.review(3, actor="li", reason="right so")
    folder = handed_out(book, tmp_path / "reviewed", 3)
    assert checked(folder) == []
    for language, texts in {"en": ("reviewed by li", "right so"), "zh": ("由 li 于", "复核", "未经第二人同意")}.items():
        page = (folder / f"recall-3.{language}.html").read_text()
        assert [text for text in texts if text not in page] == []
        assert "break_glass" not in page


CORRECTED = (
    "planned",
    "approval_requested",
    "approved",
    "refused",
    "started",
    "paused",
    "resumed",
    "cancelled",
    "finished",
)


def test_every_thing_that_a_page_tells_has_words_in_each_language() -> None:
    console = tomllib.loads(files("ledger.entrypoints.web.languages").joinpath("en.toml").read_text("utf-8"))
    for language in ("en", "zh"):
        words = tomllib.loads(
            files("ledger.entrypoints.formats.evidence").joinpath(f"{language}.toml").read_text("utf-8")
        )
        assert words["event"].keys() >= console["event"].keys(), language
        assert words["event"].keys() >= {f"correction_{one}" for one in CORRECTED}, language


def test_pages_and_tables_cannot_be_changed_nor_left_out(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1)
    page = folder / "recall-1.zh.html"
    page.write_text(page.read_text().replace("wang", "li"))
    (folder / "messages.csv").unlink()
    assert sorted(checked(folder)) == ["messages.csv is missing", "recall-1.zh.html is not what was handed out"]


def test_a_sheet_that_somebody_puts_beside_the_others_is_named(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = handed_out(book, tmp_path / "out", 1)
    (folder / "recall-7.en.html").write_text("made up")
    (folder / ".DS_Store").write_text("hidden")
    monkeypatch.setattr(sys, "argv", ["verify.py", str(folder)])
    assert verify.main() == 0
    said = capsys.readouterr().out.splitlines()
    assert "NOT PROVEN: 'recall-7.en.html' was not handed out with the rest" in said
    assert (said[-1], [line for line in said if "DS_Store" in line]) == ("everything else fits", [])


def test_another_key_is_not_yours(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1)
    (tmp_path / "other.pub").write_bytes(public_pem(make_key().public_key()))
    assert [one for one in checked(folder, tmp_path / "other.pub") if "signature" in one] != []


def test_without_a_key_it_says_that_nobody_signed(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1, is_signed=False)
    check = verify.FolderCheck(folder)
    assert check.run()
    assert "NOT PROVEN" in check.notes[0]
    assert not (folder / "public-key.pem").exists()
    assert checked(folder, tmp_path / "audit.key.pub") != []


def test_nothing_at_all_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.json").write_text("{}")
    assert not verify.FolderCheck(tmp_path).run()


def test_a_page_tells_one_recall_to_people_and_runs_nothing(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1, 2)
    english, chinese = ((folder / f"recall-1.{one}.html").read_text() for one in ("en", "zh"))
    for text in ("wrong &lt;link&gt;", "&lt;b&gt;no&lt;/b&gt;", "wang", "bob", "asked again", "DingTalk said no"):
        assert text in english, text
    assert "Of 2 people whom they reached, 0 lost all of them and 2 still had one" in english
    assert "<b>" not in english
    assert "<script" not in english
    assert 'lang="zh-CN"' in chinese
    assert "钉钉拒绝撤回" in chinese
    second = (folder / "recall-2.en.html").read_text()
    assert "approved by li" in second
    assert "Everything was recalled." in second
    assert "Of 5 people whom they reached, 5 lost all of them" in second


def test_tables_hold_every_message_and_no_cell_that_runs(book: Ledger, tmp_path: Path) -> None:
    folder = handed_out(book, tmp_path / "out", 1, 2)
    text = (folder / "messages.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 9
    assert {row["campaign"] for row in rows} == {"spring", "'=1+1"}
    sheets = openpyxl.load_workbook(folder / "evidence.xlsx")
    assert [sheet.title for sheet in sheets] == ["Recalls", "Messages"]
    cells = [cell for row in sheets["Messages"].iter_rows() for cell in row if cell.value == "=1+1"]
    assert len(cells) == 6
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in sheets["Recalls"]["D"]] == ["reason", "wrong <link>", "@both"]


def test_a_workbook_keeps_long_numbers_and_texts(tmp_path: Path) -> None:
    rows = [(10**16, "x" * 40_000, None, True, 1.5, "http://example.com")]
    write_workbook(tmp_path / "book.xlsx", [("One", ("a", "b", "c", "d", "e", "f"), rows)])
    read = [cell.value for cell in openpyxl.load_workbook(tmp_path / "book.xlsx")["One"][2]]
    assert read == [str(10**16), "x" * 32_767, None, "True", 1.5, "http://example.com"]


def test_recalls_are_found_by_what_ended_in_them(book: Ledger) -> None:
    evidence = book.parts.evidence
    assert evidence.chosen(select(campaign=["spring"]), ALWAYS) == [1]
    assert evidence.chosen(select(users=["007"]), ALWAYS) == [2]
    with pytest.raises(InputError, match="nothing that was recalled fits"):
        evidence.chosen(select(campaign=["autumn"]), ALWAYS)


def test_a_folder_with_something_in_it_is_left_alone(book: Ledger, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(UnwritableFileError, match="not empty"):
        handed_out(book, tmp_path / "out", 1)


def test_whoever_dies_over_it_leaves_nothing_that_could_be_taken_for_evidence(book: Ledger, tmp_path: Path) -> None:
    """Killed at each of its files: written aside, all of it or, where they are moved, half of it."""
    fork, folder = multiprocessing.get_context("fork"), tmp_path / "out"

    def export(die_at: str, operation: str) -> None:
        def killed(event: str, arguments: tuple[Any, ...]) -> None:
            if event == operation and str(arguments[0]).endswith(die_at):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(killed)
        handed_out(book, folder, 1)

    for die_at in ("entries.jsonl", "recall-1.zh.html", "manifest.json"):
        process = fork.Process(target=export, args=(die_at, "open"))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert [one.name.startswith(UNFINISHED) for one in folder.iterdir()][:1] == [True]
    assert checked(handed_out(book, folder, 1)) == []
    assert not list(folder.glob(f"{UNFINISHED}*"))
    folder = tmp_path / "half"
    process = fork.Process(target=export, args=("manifest.json", "os.rename"))
    process.start()
    process.join()
    assert checked(folder) != []
    with pytest.raises(RefusedFileError, match="half an export"):
        handed_out(book, folder, 1)


def test_of_an_export_that_fails_nothing_stays(book: Ledger, tmp_path: Path) -> None:
    evidence = EvidenceFolder(tmp_path / "out", book.parts.recall_reports, [1, 99])
    evidence.begin()
    with pytest.raises(InputError):
        evidence.write(book.parts.evidence.hand_out([1], "auditor", is_signed=False), "auditor", None)
    assert list((tmp_path / "out").iterdir()) == []


def test_entries_in_closed_segments_are_proven_too(
    book: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "core.audit.merkle",
        "services.audit.growing_tree",
        "services.audit.evidence",
        "core.audit.checkpoint",
    ):
        monkeypatch.setattr(f"ledger.{module}.SEGMENT_ENTRIES", 4)
    monkeypatch.setattr("ledger.core.audit.merkle._SEGMENT_HEIGHT", 2)
    assert checked(handed_out(book, tmp_path / "out", 1, 2)) == []
    assert checked(handed_out(book, tmp_path / "again", 1)) == []


def test_its_rules_are_those_of_the_ledger() -> None:
    content: dict[str, Any] = {
        "event": "planned",
        "actor": "王",
        "recall_id": 7,
        "detail": {"b": [1, None], "a": "\ud800"},
    }
    entry = {"previous": chain.GENESIS, "at": "2026-03-01T12:00:00Z", **content}

    assert verify.digest_of(entry) == chain.digest(chain.GENESIS, at=parse_time("2026-03-01T12:00:00Z"), **content)
    digests = [f"{number:064x}" for number in range(11)]
    leaves = [merkle.leaf_of(one) for one in digests]
    for place, path in enumerate(merkle.paths_of(leaves)):
        found = verify.root_by_path(digests[place], place, 11, [node.hex() for node in path])
        assert found == merkle.root_of(leaves).hex()


# RFC 8032, 7.1: tests 1 to 3.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
        "00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
        "027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_of_the_standard_are_right_and_no_others(public: str, message: str, signature: str) -> None:
    key, text, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify.is_signed(key, text, signed)
    assert not verify.is_signed(key, text + b"x", signed)
    for place in (0, 31, 32, 63):
        assert not verify.is_signed(key, text, signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :])
    # The same with the order added to its second half says the same, and is none.
    scalar = int.from_bytes(signed[32:], "little") + verify.L
    assert not verify.is_signed(key, text, signed[:32] + scalar.to_bytes(32, "little"))


def test_signatures_are_those_of_the_library() -> None:
    for number in range(8):
        key, message = make_key(), os.urandom(number * 7)
        public = verify.public_key(public_pem(key.public_key()).decode())
        assert public == key.public_key().public_bytes_raw()
        assert verify.is_signed(public, message, key.sign(message))
        assert not verify.is_signed(public, message, make_key().sign(message))
    for bad in (b"", bytes(31), b"\xff" * 32):
        assert not verify.is_signed(bad, b"", bytes(64))


@pytest.mark.parametrize("text", ["", "no pem", base64.b64encode(b"another key").decode()])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"public key|base64|padding"):
        verify.public_key(text)
