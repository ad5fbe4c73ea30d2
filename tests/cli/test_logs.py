"""Keys that only a log holds: taken back in, from logs of every kind that the ledger writes, none with a traceback."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.clock import format_time
from ledger.core.recording.capture import Exchange, path_of
from ledger.core.recording.message import Chat
from ledger.entrypoints.process.logs import JsonFormatter, TextFormatter
from ledger.integrations.feed import Feed
from ledger.spool import lines
from tests.conftest import MakeLedger
from tests.outages import away

from .conftest import Shell

PATH = path_of(Chat.ONE_TO_ONE)


def a_log_of_lost_keys(make_ledger: MakeLedger, folder: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Lose a message and a send while neither database nor any folder can be written; return what is logged."""
    (folder / "file").write_text("not a folder")
    book = make_ledger(spool_dir=folder / "file")
    with away(book):
        with pytest.raises(Exception, match="neither"):
            book.record(process_query_key="k{1}", robot_code="r", user_ids=["张三"], campaign="春")
        recorder = book.parts.recorder.send_recorder
        send = recorder.sending("POST", PATH, {"robotCode": "r", "userIds": ["a", "b"]}, campaign="春")
        assert send is not None
        recorder.wait(send.answered(200, {"processQueryKey": "k2", "invalidStaffIdList": ["b"]}))
    texts, jsons = TextFormatter(), JsonFormatter()
    log = [texts.format(caplog.records[0])]
    for record in [one for one in caplog.records if "NOT RECORDED" in one.getMessage()]:
        log += [texts.format(record), f"web-1 | {jsons.format(record)}"]
    return log


def test_a_log_of_text_and_json_gives_its_keys_back_once(
    make_ledger: MakeLedger,
    shell: Shell,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    log = a_log_of_lost_keys(make_ledger, tmp_path, caplog)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert len(log) == 5
    (tmp_path / "ledger.log").write_text("\n".join([*log, log[1][:-40], "nothing else"]) + "\n")
    ended = shell("import", "--from-log", str(tmp_path / "ledger.log"), "--json")
    assert ended.code == 3
    found = ended.json
    assert (found["read"], found["recorded"], found["duplicates"], found["rejected_count"]) == (5, 2, 2, 1)
    assert found["rejected"][0]["line"] == 6
    assert "cut off" in found["rejected"][0]["reason"]
    (line,) = shell("campaigns", "--json").json
    assert (line["campaign"], line["messages"], line["recipients"]) == ("春", 2, 2)


def test_what_ledger_run_wrote_to_stderr_gives_its_keys_back(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    feed = Feed([tmp_path / "file" / "spool"], "spring", "cron")
    for number in range(3):
        send = feed.sending("POST", f"https://api.dingtalk.com{PATH}", {"robotCode": "r", "userIds": ["ann"]})
        assert send is not None
        send.answered(200, {"processQueryKey": f"k{number}"})
    heard = capsys.readouterr().err
    assert heard.count("NOT RECORDED") == 3
    assert heard.count("LEDGER_SPOOL_DIR") == 1
    (tmp_path / "err").write_text(f"sender starts\n{heard}done\n")
    ended = shell("import", "--from-log", str(tmp_path / "err"))
    assert (ended.code, "3 recorded" in ended.out) == (0, True)
    (line,) = shell("campaigns", "--json").json
    assert (line["campaign"], line["messages"]) == ("spring", 3)


def test_a_card_with_several_keys_and_a_send_without_one_are_told_apart(shell: Shell, tmp_path: Path) -> None:

    traced = Exchange(id="t", path=PATH, asked={"robotCode": "r"}, sent_at=datetime.now(UTC), trouble="cut")
    row = {"processQueryKey": "k", "robotCode": "r", "sentAt": format_time(datetime.now(UTC))}
    texts: list[Any] = [lines.last_word(traced), json.dumps({"row": row}), json.dumps(row)]
    (tmp_path / "log").write_text("".join(f"CRITICAL NOT RECORDED (disk {{full}}): {one}\n" for one in texts))
    found = shell("import", "--from-log", str(tmp_path / "log"), "--json").json
    assert (found["recorded"], found["duplicates"]) == (1, 1)
    assert [one["reason"] for one in found["rejected"]] == ["a send without a key, which cannot be recorded from a log"]


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_fault_is_one_line_of_the_log_unless_somebody_asks_for_more(
    formatter: logging.Formatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def format_a_fault() -> str:
        try:
            raise ValueError("a\nb")
        except ValueError as error:
            info = (ValueError, error, error.__traceback__)
            return formatter.format(logging.LogRecord("ledger", logging.ERROR, "f.py", 1, "it failed", (), info))

    line = format_a_fault()
    assert "\n" not in line
    assert "ValueError: a b at test_logs.py:" in line
    assert "Traceback" not in line
    monkeypatch.setenv("LEDGER_DEBUG", "1")
    assert "Traceback" in format_a_fault()


def test_rows_from_a_pipe_wait_in_the_spool_while_the_database_is_away(shell: Shell) -> None:
    row = {"processQueryKey": "k", "robotCode": "r", "sentAt": format_time(datetime.now(UTC))}
    path = Path(shell.environment["LEDGER_DATABASE_URL"].partition("///")[2])
    path.write_text("this is no database" * 100)
    ended = shell.real("import", "-", stdin=json.dumps(row).encode())
    assert ended.code == 0, ended.err
    assert "1 kept in the spool" in ended.out
    assert "Traceback" not in ended.err
    path.unlink()
    (line,) = shell("campaigns", "--json").json
    assert line["messages"] == 1
