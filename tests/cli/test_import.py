"""`import`: what is taken in, packed or not; what is rejected, and how it comes back fixed; what is told meanwhile."""

import bz2
import gzip
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shell
from .terminal import on_terminal

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROW = {"processQueryKey": "k1", "robotCode": "r", "userIds": ["u"], "sentAt": "2026-03-01T10:00:00+08:00"}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def rows(count: int) -> bytes:
    """Return rows that do not shrink much when they are packed, so that a part of the archive is a part of them."""
    noise = (hex(pow(3, number, 2**127 - 1)) for number in range(1, count + 1))
    return b"".join(json.dumps({**ROW, "processQueryKey": key}).encode() + b"\n" for key in noise)


def test_an_import_counts_what_it_read_and_names_what_it_rejected(shell: Shell) -> None:
    given = [json.dumps(ROW), json.dumps(ROW), "", "{", json.dumps({**ROW, "processQueryKey": "k2", "usrIds": []})]
    ended = shell("import", "-", "--json", stdin="\n".join(given))
    assert ended.code == 3
    rejected = ended.json.pop("rejected")
    assert ended.json == {
        "read": 4,
        "recorded": 1,
        "duplicates": 1,
        "rejected": rejected,
        "rejected_count": 2,
        "spooled": 0,
        "differing": [],
        "differing_count": 0,
    }
    assert [row["line"] for row in rejected] == [4, 5]
    assert "did you mean 'userIds'?" in rejected[1]["reason"]


def test_people_read_the_same(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{\n" * 25)
    ended = shell("import", str(tmp_path / "rows.jsonl"))
    lines = ended.out.splitlines()
    assert lines[0] == "25 rows read: 0 recorded, 0 duplicates, 25 rejected"
    assert lines[1].startswith("line 1: the line is not JSON")
    assert lines[-1] == "and 5 more: --rejected-to FILE keeps them all, to fix"


def test_options_fill_what_rows_lack(shell: Shell) -> None:
    row = '{"processQueryKey":"k"}\n{"processQueryKey":"l","campaign":"own"}'
    options = ("--robot", "r", "--campaign", "c", "--sent-at", "2026-03-01T10:00:00Z", "--source", "s")
    assert shell("import", "-", *options, stdin=row).code == 0
    assert {line["campaign"] for line in shell("campaigns", "--json").json} == {"c", "own"}


def test_a_csv_file_is_known_by_its_name_or_by_the_option(shell: Shell, tmp_path: Path) -> None:
    content = "processQueryKey,robotCode,userIds,sentAt\nk,r,a b,2026-03-01T10:00:00Z\n"
    (tmp_path / "rows.csv").write_text(content)
    assert shell("import", str(tmp_path / "rows.csv"), "--json").json["recorded"] == 1
    assert shell("import", "-", "--format", "csv", "--json", stdin=content).json["duplicates"] == 1


def test_a_captured_pair_of_a_send_call_is_a_row(shell: Shell) -> None:
    pair = {
        "request": {
            "method": "POST",
            "path": "/v1.0/robot/oToMessages/batchSend",
            "body": {"robotCode": "r", "userIds": ["a"], "msgKey": "sampleText", "msgParam": "{}"},
        },
        "response": {"status": 200, "body": {"processQueryKey": "k"}},
        "sentAt": "2026-03-01T10:00:00Z",
        "campaign": "c",
    }
    ended = shell("import", "-", "--json", stdin=json.dumps(pair))
    assert {name: ended.json[name] for name in ("read", "recorded", "duplicates", "rejected", "spooled")} == {
        "read": 1,
        "recorded": 1,
        "duplicates": 0,
        "rejected": [],
        "spooled": 0,
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", "/nowhere.jsonl"), "cannot be read: No such file"),
        (("import", "/"), "cannot be read: Is a directory"),
        (("import", "-", "--format", "xml"), "is not jsonl, csv or xlsx"),
        (("import",), "Missing argument 'FILE'"),
        (("import", "-", "--sent-at", "2026-03-01"), "no zone"),
    ],
)
def test_an_import_that_cannot_start_is_refused(shell: Shell, words: tuple[str, ...], message: str) -> None:
    ended = shell(*words, stdin="")
    assert (ended.code, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


@pytest.mark.parametrize("kind", PACKED)
def test_a_packed_file_is_known_by_its_first_bytes_from_a_pipe_too(shell: Shell, tmp_path: Path, kind: str) -> None:
    content = PACKED[kind](rows(3)) + PACKED[kind](rows(5))
    (tmp_path / "rows").write_bytes(content)
    assert shell("import", str(tmp_path / "rows"), "--json").json["recorded"] == 5
    assert shell.real("import", "-", "--json", stdin=content).json["duplicates"] == 8


@pytest.mark.parametrize("kind", PACKED)
def test_the_name_of_a_packed_file_says_its_format(shell: Shell, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"rows.csv.{kind}"
    file.write_bytes(PACKED[kind](b"processQueryKey,robotCode,sentAt\nk,r,2026-03-01T10:00:00Z\n"))
    assert shell("import", str(file), "--json").json["recorded"] == 1


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_an_archive_that_is_cut_off_says_what_was_recorded_before(shell: Shell, tmp_path: Path, kind: str) -> None:
    content = PACKED[kind](rows(8000))
    (tmp_path / "rows").write_bytes(content[: len(content) * 3 // 4])
    ended = shell("import", str(tmp_path / "rows"), "--json")
    assert ended.code == 3
    detail = ended.json
    assert 1000 < detail["recorded"] < 8000
    assert "is cut off" in detail["error"]["message"]
    assert f"{detail['recorded']:,} recorded" in detail["error"]["message"]
    (line,) = shell("campaigns", "--json").json
    assert line["messages"] == detail["recorded"]
    (tmp_path / "rows").write_bytes(content)
    assert shell("import", str(tmp_path / "rows"), "--json").json["recorded"] == 8000 - detail["recorded"]


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_that_is_damaged_from_the_start_is_refused(shell: Shell, kind: str) -> None:
    content = PACKED[kind](rows(10))
    ended = shell("import", "-", stdin=content[:10] + b"\xff\x00" * 20 + content[50:])
    assert (ended.code, ended.out) == (2, "")
    assert "data is " in ended.err


@pytest.mark.parametrize(
    ("content", "message"), [(b"PK\x03\x04rest", "unzip -p"), (b"\xff\xfe{", "the file is not utf-16")]
)
def test_what_is_no_text_is_refused_with_what_to_do(shell: Shell, content: bytes, message: str) -> None:
    ended = shell("import", "-", stdin=content)
    assert (ended.code, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


def test_rejected_rows_are_kept_as_they_stood_and_are_taken_in_once_they_are_mended(
    shell: Shell, tmp_path: Path
) -> None:
    good, bad = json.dumps(ROW), '{"processQueryKey":  "k2", "robotCode": "r"}\r\n'
    to_fix = tmp_path / "to fix"
    ended = shell("import", "-", "--rejected-to", str(to_fix), "--campaign", "c", stdin=f"{good}\n{bad}{{")
    assert ended.code == 3
    assert f"fix them there, then: ledger import '{to_fix}' --campaign c\n" in ended.out
    assert to_fix.read_bytes() == bad.encode() + b"{\n"
    first, second = (tmp_path / "to fix.reasons").read_text().splitlines()
    assert first == "line 1 (was 2): sentAt is missing"
    assert second.startswith("line 2 (was 3): the line is not JSON")
    to_fix.write_text(json.dumps({**ROW, "processQueryKey": "k2"}) + "\n")
    assert shell("import", str(to_fix), "--campaign", "c", "--json").json["recorded"] == 1


def test_rejected_rows_of_csv_are_kept_under_their_header(shell: Shell, tmp_path: Path) -> None:
    header, two = "processQueryKey;robotCode;sentAt;source\r\n", 'k2;;2026-03-01T10:00:00Z;"a\r\nb"\r\n'
    content = f"{header}k1;r;2026-03-01T10:00:00Z;x\r\n{two}k3;r;2026-03-01T10:00:00Z"
    to_fix = tmp_path / "fix.csv"
    words = ("import", "-", "--format", "csv", "--rejected-to", str(to_fix), "--json")
    ended = shell(*words, stdin="\ufeff" + content)
    assert [one["line"] for one in ended.json["rejected"]] == [3, 5]
    assert ended.json["rejected_to"] == str(to_fix)
    assert to_fix.read_bytes().decode() == f"{header}{two}k3;r;2026-03-01T10:00:00Z\n"
    to_fix.write_bytes(to_fix.read_bytes().rstrip() + b";\n")
    assert shell("import", str(to_fix), "--robot", "r", "--json").json["recorded"] == 2


def test_a_file_that_exists_is_never_written_over(shell: Shell, tmp_path: Path) -> None:
    for name in ("fix", "fix.reasons"):
        (tmp_path / name).write_text("mine")
        ended = shell("import", "-", "--rejected-to", str(tmp_path / "fix"), stdin=json.dumps(ROW))
        assert (ended.code, ended.out) == (2, "")
        assert "exists already" in ended.err
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
        assert list(tmp_path.glob("fix*")) == []
    assert shell("campaigns", "--json").json == []


def test_without_a_rejected_row_no_file_stays(shell: Shell, tmp_path: Path) -> None:
    ended = shell("import", "-", "--rejected-to", str(tmp_path / "fix"), "--json", stdin=json.dumps(ROW))
    assert (ended.code, ended.json["rejected_to"]) == (0, None)
    assert list(tmp_path.glob("fix*")) == []


def test_a_file_to_fix_that_cannot_be_made_is_refused_before_anything_is_read(shell: Shell, tmp_path: Path) -> None:
    ended = shell("import", "-", "--rejected-to", str(tmp_path / "nowhere" / "fix"), stdin=json.dumps(ROW))
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written: No such file" in " ".join(ended.err.split())


def test_a_terminal_sees_the_share_of_a_file_and_a_pipe_gets_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "rows.gz").write_bytes(gzip.compress(rows(6000)))
    with on_terminal(shell, "import", str(tmp_path / "rows.gz")) as terminal:
        terminal.wait_for("rows/s")
        terminal.wait_for("6,000 rows read: 6,000 recorded")
        assert terminal.end() == 0
        assert "%" in terminal.shown
        assert "left" in terminal.shown
    quiet = shell.real("import", str(tmp_path / "rows.gz"))
    assert (quiet.err, quiet.out) == ("", "6,000 rows read: 0 recorded, 6,000 duplicates, 0 rejected\n")


@pytest.mark.parametrize("name", ["./missing.jsonl", "missing.jsonl", "", ".", "/proc/self/mem", "./x/../missing"])
def test_what_cannot_be_read_is_named_as_it_was_typed(shell: Shell, name: str) -> None:
    ended = shell.real("import", name, "--format", "jsonl")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith(f"error: {name or 'a file without a name'} cannot be read: ")
