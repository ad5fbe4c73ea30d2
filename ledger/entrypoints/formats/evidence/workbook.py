"""Recalls and messages as a workbook: every cell a text or a number, so that none runs as a formula."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
# What a spreadsheet shows exactly.
_LARGEST_NUMBER = 10**15

Rows = Iterable[Sequence[object]]


def write_workbook(path: Path, sheets: Sequence[tuple[str, Sequence[str], Rows]]) -> None:
    """Write sheets, each with its name, columns and rows, which are not held; a long one goes on in others."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        bold = book.add_format({"bold": True})
        for name, columns, rows in sheets:
            sheet, number, part = _begun(book, name, columns, bold), 0, 1
            for row in rows:
                number += 1
                if number == MOST_ROWS:
                    part, number = part + 1, 1
                    sheet = _begun(book, f"{name} {part}", columns, bold)
                _write(sheet, number, row)


def _begun(book: Any, name: str, columns: Sequence[str], form: Any) -> Any:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 18)
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column, form)
    return sheet


def _write(sheet: Any, number: int, row: Sequence[object]) -> None:
    for place, value in enumerate(row):
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER
        if is_number:
            sheet.write_number(number, place, value)
        elif value is not None and value != "":
            sheet.write_string(number, place, str(value)[:MOST_CHARACTERS])
