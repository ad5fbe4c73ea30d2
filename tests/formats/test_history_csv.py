"""CSV of the history: verbatim for programs, harmless for spreadsheets, a row a person for lists."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.core.recalls.recall import Item, Outcome
from ledger.core.recording.message import Chat
from ledger.entrypoints.formats.csv_form import CsvForm
from ledger.entrypoints.formats.history_csv import COLUMNS, written_as_csv

AT = datetime(2026, 3, 1, tzinfo=UTC)
EXCEL = CsvForm(for_spreadsheets=True)


def item(**fields: Any) -> Item:
    """Return an item of a group robot's message to two people."""
    given: dict[str, Any] = {
        "process_query_key": "key",
        "robot_code": "robot",
        "campaign": "spring",
        "sent_at": AT,
        "deadline": AT,
        "recipients": ("ann", "bob"),
        "outcome": Outcome.REFUSED,
        "code": "failedResult",
        "reason": "no, really",
        "attempts": 2,
        "recall_id": 7,
        "actor": "wang",
        "finished_at": AT,
        "chat": Chat.ONE_TO_ONE,
        "open_conversation_id": None,
        "source": "hr-mailer",
        "undelivered": {"invalid": ("eve",)},
        "recall_reason": "wrong link",
        "approved_by": "li",
    }
    return Item(**(given | fields))


def rows(form: CsvForm, *items: Item) -> list[dict[str, str]]:
    """Write items, and read them as a program does that knows of the byte order mark."""
    written = "".join(written_as_csv(items, iter(()), form)).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(written, newline="")))


def test_the_first_columns_are_where_programs_know_them_and_new_ones_come_last() -> None:
    first = "process_query_key robot_code campaign sent_at deadline recipients outcome code reason attempts recall_id"
    assert COLUMNS[:14] == (*first.split(), "actor", "finished_at", "undelivered")
    (row,) = rows(CsvForm(), item())
    assert (row["recall_reason"], row["approved_by"], row["actor"], row["reason"]) == (
        "wrong link",
        "li",
        "wang",
        "no, really",
    )
    assert (row["chat"], row["open_conversation_id"], row["source"]) == ("one_to_one", "", "hr-mailer")


def test_programs_get_every_value_as_it_is_and_no_byte_order_mark() -> None:
    written = "".join(written_as_csv([item(process_query_key="+k=", campaign="=1+1")], iter(()), CsvForm()))
    assert written.startswith("process_query_key,")
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert (row["process_query_key"], row["campaign"]) == ("+k=", "=1+1")


def test_a_spreadsheet_gets_a_byte_order_mark_once_before_the_header() -> None:
    written = "".join(written_as_csv([item(campaign="春节")], iter([[item()]]), EXCEL))
    assert written.startswith("\ufeffprocess_query_key,")
    assert written.count("\ufeff") == 1


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("x")', "+86 1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠a", " =1"]
)
def test_no_cell_of_a_spreadsheet_begins_like_a_formula(text: str) -> None:
    (row,) = rows(EXCEL, item(process_query_key=text, campaign=text, reason=text, recall_reason=text, actor=text))
    changed = {name for name, cell in row.items() if cell == f"'{text}"}
    assert changed == {"process_query_key", "campaign", "reason", "recall_reason", "actor"}
    (verbatim,) = rows(CsvForm(), item(process_query_key=text))
    assert verbatim["process_query_key"] == text


@pytest.mark.parametrize("user", ["0012345", "12345678901234567", "12E5"])
def test_no_id_becomes_another_number_in_a_spreadsheet(user: str) -> None:
    (row,) = rows(CsvForm(for_spreadsheets=True, per_person=True), item(recipients=(user,)))
    assert row["user"] == f"'{user}"


@pytest.mark.parametrize("text", ["spring", "a=b", "1-2", "12345", "春节", "0"])
def test_a_spreadsheet_gets_what_is_harmless_as_it_is(text: str) -> None:
    (row,) = rows(EXCEL, item(campaign=text))
    assert (row["campaign"], row["attempts"]) == (text, "2")


def test_per_person_each_recipient_has_a_row_and_a_group_without_names_keeps_its_own() -> None:
    group = item(process_query_key="group", recipients=(), chat=Chat.GROUP, open_conversation_id="cid")
    found = rows(CsvForm(per_person=True), item(), group)
    assert [(row["process_query_key"], row["user"]) for row in found] == [("key", "ann"), ("key", "bob"), ("group", "")]
    assert found[0]["recipients"] == "ann bob"
    assert list(found[0]) == [*COLUMNS, "user"]


def test_nothing_is_still_a_header() -> None:
    assert rows(EXCEL) == []
    assert "".join(written_as_csv((), iter(()))).count("\r\n") == 1
