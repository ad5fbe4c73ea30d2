"""Files as offices save them: charsets, separators, Chinese headers, spreadsheets, times without a zone, damage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from .conftest import Ended, Shell

HEADER = ["消息标识", "机器人", "用户", "批次/活动", "发送时间", "来源"]
# Now, as people in China write it.
THERE = datetime.now(UTC) + timedelta(hours=8)
WHEN = THERE.strftime("%Y-%m-%d %H:%M")
ROW = ["36UIw+aqvER/Fb2EFX1zai5p", "dingbot", "0248001,0248002", "春季活动", WHEN, "人事系统"]
TABLE = "\r\n".join([",".join(HEADER), ",".join([*ROW[:2], f'"{ROW[2]}"', *ROW[3:]]), ",,,,,", ""])
ZONE = ("--zone", "Asia/Shanghai")


def imported(shell: Shell, path: Path, content: bytes, *words: str) -> Ended:
    """Import a file of this content."""
    path.write_bytes(content)
    return shell("import", str(path), "--json", *words)


def messages(shell: Shell) -> list[dict[str, Any]]:
    """Return what can be recalled, as the items of a plan."""
    planned = shell("recall", "--since", "2020-01-01T00:00:00Z", "--reason", "look", "--dry-run", "--json").json
    return list(shell("show", str(planned["recall_id"]), "--json").json["items"])


def check_is_there(shell: Shell) -> None:
    """Check that the one message of the table was recorded as it is meant."""
    (item,) = messages(shell)
    assert (item["process_query_key"], item["robot_code"]) == (ROW[0], "dingbot")
    assert (item["campaign"], item["recipients"]) == ("春季活动", ["0248001", "0248002"])
    sent_at = datetime.fromisoformat(item["sent_at"])
    assert sent_at == (THERE - timedelta(hours=8)).replace(second=0, microsecond=0)


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "gb2312"])
def test_a_table_in_a_chinese_charset_is_guessed_and_said(shell: Shell, tmp_path: Path, charset: str) -> None:
    ended = imported(shell, tmp_path / "名单.csv", TABLE.encode(charset), *ZONE)
    assert (ended.code, ended.json["recorded"]) == (0, 1), ended
    assert "read as gb18030" in ended.err
    check_is_there(shell)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_unicode_is_read_without_a_word(shell: Shell, tmp_path: Path, charset: str) -> None:
    words = ("--encoding", charset) if charset == "utf-16-le" else ()
    ended = imported(shell, tmp_path / "a.csv", TABLE.encode(charset), *ZONE, *words)
    assert (ended.code, ended.json["recorded"], ended.err) == (0, 1, "")
    check_is_there(shell)


def test_a_charset_can_be_named(shell: Shell, tmp_path: Path) -> None:
    content = f"processQueryKey,robotCode,campaign,sentAt\nk,r,春節活動,{WHEN}\n".encode("big5")
    ended = imported(shell, tmp_path / "a.csv", content, *ZONE, "--encoding", "big5")
    assert (ended.code, ended.err, messages(shell)[0]["campaign"]) == (0, "", "春節活動")
    ended = imported(shell, tmp_path / "a.csv", b"", "--encoding", "klingon")
    assert (ended.code, "nobody knows the charset 'klingon'" in ended.err) == (2, True)


def test_a_line_that_holds_no_letters_is_refused_alone(shell: Shell, tmp_path: Path) -> None:
    content = TABLE.encode("gbk") + b"k2,dingbot,u,\xff\xff,,\r\n"
    ended = imported(shell, tmp_path / "a.csv", content, *ZONE, "--encoding", "gbk")
    assert (ended.code, ended.json["recorded"], ended.json["rejected_count"]) == (3, 1, 1)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_first_line_may_say_the_separator(shell: Shell, tmp_path: Path, separator: str) -> None:
    lines = [f"sep={separator}", separator.join(HEADER), separator.join(ROW)]
    ended = imported(shell, tmp_path / "a.csv", "\r\n".join(lines).encode("utf-8-sig"), *ZONE)
    assert (ended.code, ended.json["recorded"]) == (0, 1), ended
    check_is_there(shell)


def test_empty_columns_at_the_end_and_empty_rows_are_nothing(shell: Shell, tmp_path: Path) -> None:
    lines = [",".join([*HEADER, "", ""]), ",,,", ",".join([*ROW[:2], f'"{ROW[2]}"', *ROW[3:], "", "", ""]), ",,,,,,,"]
    ended = imported(shell, tmp_path / "a.csv", "\n".join(lines).encode(), *ZONE)
    assert (ended.code, ended.json["read"], ended.json["recorded"]) == (0, 1, 1), ended


def spreadsheet(path: Path, *rows: list[Any]) -> Path:
    """Write rows as Excel does."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_spreadsheet_is_read_directly(shell: Shell, tmp_path: Path) -> None:
    when = THERE.replace(tzinfo=None, second=0, microsecond=0)
    path = spreadsheet(tmp_path / "名单.xlsx", HEADER, [*ROW[:4], when, ROW[5]], [None] * 6)
    ended = shell("import", str(path), "--json", *ZONE)
    assert (ended.code, ended.json["recorded"], ended.json["read"]) == (0, 1, 1), ended
    check_is_there(shell)


def test_numbers_of_a_spreadsheet_are_ids_unless_their_digits_are_lost(shell: Shell, tmp_path: Path) -> None:
    rows = [["k1", "dingbot", 248001, WHEN], ["k2", "dingbot", 2.70062e15, WHEN], [1.23e20, "dingbot", "u", WHEN]]
    path = spreadsheet(tmp_path / "a.xlsx", ["processQueryKey", "robotCode", "userIds", "sentAt"], *rows)
    ended = shell("import", str(path), "--json", *ZONE, "--rejected-to", str(tmp_path / "fix.csv"))
    assert [row["line"] for row in ended.json["rejected"]] == [3, 4]
    assert all("format the column as text" in row["reason"] for row in ended.json["rejected"])
    (item,) = messages(shell)
    assert item["recipients"] == ["248001"]
    assert (tmp_path / "fix.csv").read_text().splitlines()[0] == "processQueryKey,robotCode,userIds,sentAt"


@pytest.mark.parametrize("content", [b"PK\x03\x04 no spreadsheet", b"processQueryKey\n"])
def test_what_is_no_spreadsheet_says_so(shell: Shell, tmp_path: Path, content: bytes) -> None:
    ended = imported(shell, tmp_path / "a.xlsx", content)
    assert (ended.code, "the spreadsheet cannot be read" in ended.err) == (2, True), ended


@pytest.mark.parametrize("damage", ["2.70062E+15", "1.23E+10", "#NAME?", "#N/A", "########", "1,23E+10"])
@pytest.mark.parametrize("column", ["processQueryKey", "robotCode", "userIds", "campaign"])
def test_what_a_spreadsheet_damaged_is_refused(shell: Shell, tmp_path: Path, damage: str, column: str) -> None:
    fields = {"processQueryKey": "k", "robotCode": "r", "userIds": "u", "campaign": "c", column: f'"{damage}"'}
    content = ",".join([*fields, "sentAt"]) + "\n" + ",".join([*fields.values(), THERE.isoformat()]) + "\n"
    ended = imported(shell, tmp_path / "a.csv", content.encode())
    (row,) = ended.json["rejected"]
    assert "format the column as text" in row["reason"] or (column, damage) == ("userIds", "1,23E+10")


@pytest.mark.parametrize("cell", ['="0248"', '"=""0248"""', "'0248"])
def test_a_cell_that_was_wrapped_to_stay_a_text_is_unwrapped(shell: Shell, tmp_path: Path, cell: str) -> None:
    content = f"processQueryKey,robotCode,userIds,sentAt\n{cell},r,{cell},{(THERE - timedelta(hours=8)).isoformat()}\n"
    ended = imported(shell, tmp_path / "a.csv", content.encode())
    assert ended.code == 0, ended
    (item,) = messages(shell)
    assert (item["process_query_key"], item["recipients"]) == ("0248", ["0248"])


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S", "%Y/%-m/%-d %-H:%M", "%Y年%-m月%-d日 %H:%M", "%Y年%m月%d日%H时%M分"]
)
def test_times_as_offices_write_them_are_of_the_zone_that_is_named(shell: Shell, tmp_path: Path, form: str) -> None:
    content = f"processQueryKey,robotCode,sentAt\nk,r,{THERE.strftime(form)}\n".encode()
    refused = imported(shell, tmp_path / "a.csv", content)
    assert "has no zone: say which is meant, as in --zone Asia/Shanghai" in refused.json["rejected"][0]["reason"]
    assert imported(shell, tmp_path / "a.csv", content, *ZONE).code == 0
    (item,) = messages(shell)
    late = (THERE - timedelta(hours=8)) - datetime.fromisoformat(item["sent_at"])
    assert timedelta(0) <= late < timedelta(minutes=1)


@pytest.mark.parametrize("scale", [1, 1000])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_numbers_are_times_when_that_is_said(shell: Shell, tmp_path: Path, scale: int, name: str) -> None:
    number = int((THERE - timedelta(hours=8)).timestamp() * scale)
    csv = f"processQueryKey,robotCode,sentAt\nk,r,{number}\n"
    row = f'{{"processQueryKey":"k","robotCode":"r","sentAt":{number}}}'
    content = (csv if name.endswith("csv") else row).encode()
    assert "--epoch" in imported(shell, tmp_path / name, content).json["rejected"][0]["reason"]
    assert imported(shell, tmp_path / name, content, "--epoch").code == 0
    (item,) = messages(shell)
    assert abs(datetime.fromisoformat(item["sent_at"]).timestamp() - number / scale) < 1


def test_a_zone_that_is_none_is_refused(shell: Shell, tmp_path: Path) -> None:
    ended = imported(shell, tmp_path / "a.csv", b"", "--zone", "Beijing")
    assert (ended.code, "there is no zone 'Beijing'" in ended.err) == (2, True)


def test_kinds_of_chats_are_understood(shell: Shell, tmp_path: Path) -> None:
    rows = [
        f"k{number},r,{chat},{cid},{WHEN}"
        for number, chat, cid in ((1, "群聊", "c"), (2, "单聊", ""), (3, "私聊", "c"))
    ]
    content = "\n".join(["消息标识,机器人,会话类型,会话ID,发送时间", *rows]).encode("gbk")
    ended = imported(shell, tmp_path / "a.csv", content, *ZONE)
    assert ended.json["recorded"] == 3, ended
    assert sorted(item["chat"] for item in messages(shell)) == ["group", "one_to_one", "private"]
