"""`record` and `import`: what is taken in, what is refused, and how scripts are told."""

import json
from pathlib import Path

import pytest

from .conftest import Shell

ROW = {"processQueryKey": "k1", "robotCode": "r", "userIds": ["u"], "sentAt": "2026-03-01T10:00:00+08:00"}


def test_recording_twice_is_told_and_changes_nothing(shell: Shell) -> None:
    words = ("record", "--robot", "r", "--key", "k", "--user", "a", "--user", "b", "--campaign", "c", "--json")
    assert shell(*words).json == {"recorded": 1, "duplicates": 0, "spooled": 0}
    assert shell(*words).json == {"recorded": 0, "duplicates": 1, "spooled": 0}
    assert shell("campaigns", "--json").json[0]["recipients"] == 2


def test_a_group_message_is_recorded_with_its_conversation(shell: Shell) -> None:
    ended = shell("record", "--robot", "r", "--key", "k", "--conversation", "cid", "--source", "s")
    assert (ended.code, ended.out) == (0, "recorded\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--key", "k"), "--robot"),
        (("--robot", "r"), "--key"),
        (("--robot", "r", "--key", "k" * 1025), "1024 characters"),
        (("--robot", "r", "--key", "k", "--sent-at", "2026-03-01T10:00:00"), "no zone"),
        (("--robot", "r", "--key", "k", "--sent-at", "soon"), "is not a time"),
        (("--robot", "r", "--key", "k", "--sent-at", "2036-03-01T10:00:00Z"), "in the future"),
        (("--robot", "r", "--key", "k", "--usr", "k"), "No such option"),
    ],
)
def test_what_cannot_be_recorded_is_refused(shell: Shell, words: tuple[str, ...], said: str) -> None:
    ended = shell("record", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert said in " ".join(ended.err.split())
    assert shell("campaigns", "--json").json == []


def test_an_import_counts_what_it_read_and_names_what_it_rejected(shell: Shell) -> None:
    rows = [json.dumps(ROW), json.dumps(ROW), "", "{", json.dumps({**ROW, "processQueryKey": "k2", "usrIds": []})]
    ended = shell("import", "-", "--json", stdin="\n".join(rows))
    assert ended.code == 3
    rejected = ended.json.pop("rejected")
    assert ended.json == {"read": 4, "recorded": 1, "duplicates": 1, "rejected": rejected}
    assert [row["line"] for row in rejected] == [4, 5]
    assert "did you mean 'userIds'?" in rejected[1]["reason"]


def test_people_read_the_same(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{\n" * 25)
    ended = shell("import", str(tmp_path / "rows.jsonl"))
    lines = ended.out.splitlines()
    assert lines[0] == "25 rows read: 0 recorded, 0 duplicates, 25 rejected"
    assert lines[1].startswith("line 1: the line is not JSON")
    assert lines[-1] == "and 5 more: --json lists them all"


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
    assert ended.json == {"read": 1, "recorded": 1, "duplicates": 0, "rejected": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "/nowhere.jsonl"), "cannot be read: No such file"),
        (("import", "/"), "cannot be read: Is a directory"),
        (("import", "-", "--format", "xml"), "neither jsonl nor csv"),
        (("import",), "Missing argument 'FILE'"),
        (("import", "-", "--sent-at", "2026-03-01"), "no zone"),
    ],
)
def test_an_import_that_cannot_start_is_refused(shell: Shell, words: tuple[str, ...], said: str) -> None:
    ended = shell(*words, stdin="")
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
