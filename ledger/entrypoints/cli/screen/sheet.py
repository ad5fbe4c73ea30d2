"""A table that fits the screen: columns give way, then go; no cell is ever wrapped.

What somebody has to type next, a number or a name, stays readable on the narrowest screen. A file or a pipe has no
width: nothing is cut there, and no column goes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.core.json_value import printable

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
NARROWEST = 6
NOTE_INDENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: `gives_way` when the screen is narrow, `is_number` stands at the right, `width` is fixed in cells.

    One that gives way keeps `narrowest` cells. Where that does not suffice, columns go, those that `goes` most first;
    with 0 it stays.
    What is too long is shortened in its middle, of sentences (`is_text`) at their end.
    """

    title: str
    is_number: bool = False
    is_text: bool = False
    gives_way: bool = False
    width: int | None = None
    narrowest: int = NARROWEST
    goes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """A row of cells with one style, and notes, a line each, under it."""

    cells: Sequence[str]
    style: str | None = None
    notes: Sequence[str] = ()


def print_sheet(
    paper: "Console", columns: Sequence[Column], rows: Sequence[SheetRow], *, show_header: bool = True
) -> None:
    """Write rows under each other."""
    from rich.text import Text

    for line, style in sheet_lines(columns, rows, paper.width if paper.is_terminal else None, show_header=show_header):
        paper.print(Text(line, style=style or ""), no_wrap=True, overflow="ignore", crop=False)


def sheet_lines(
    columns: Sequence[Column], rows: Sequence[SheetRow], total: int | None, *, show_header: bool = True
) -> Iterator[tuple[str, str | None]]:
    """Yield each line with its style, at most `total` cells wide; with None as wide as it takes."""
    # What does not print is written as an escape, which takes more cells: before anything is measured.
    rows = [SheetRow(cells=[*map(printable, row.cells)], style=row.style, notes=row.notes) for row in rows]
    if total is not None:
        columns, rows = _without_what_goes(columns, rows, total)
        widths = fitted(columns, rows, total)
    else:
        widths = [max(found, column.width or 0) for column, found in zip(columns, _needed(columns, rows), strict=True)]
    if show_header:
        yield _line(columns, [column.title for column in columns], widths), "bold"
    for row in rows:
        yield _line(columns, row.cells, widths), row.style
        for note in map(printable, row.notes):
            yield " " * NOTE_INDENT + (note if total is None else cut_at_end(note, total - NOTE_INDENT)), row.style


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    from rich.cells import cell_len

    parts = []
    for column, cell, width in zip(columns, cells, widths, strict=True):
        text = (cut_at_end if column.is_text else fit)(cell, width)
        blanks = " " * (width - cell_len(text))
        parts.append(blanks + text if column.is_number else text + blanks)
    return (" " * GAP).join(parts).rstrip()


def fitted(columns: Sequence[Column], rows: Sequence[SheetRow], total: int) -> list[int]:
    """Return how many cells wide each column is."""
    widths = _natural(columns, rows)
    missing = sum(widths) + GAP * (len(columns) - 1) - total
    # The widest gives first, so that short texts stay whole.
    while missing > 0:
        giving = [at for at, column in enumerate(columns) if column.gives_way and widths[at] > column.narrowest]
        if not giving:
            break
        widths[max(giving, key=lambda index: widths[index])] -= 1
        missing -= 1
    return widths


def _without_what_goes(
    columns: Sequence[Column], rows: Sequence[SheetRow], total: int
) -> tuple[list[Column], list[SheetRow]]:
    """Leave columns out until the narrowest of the others fit."""
    least = [
        min(width, column.narrowest) if column.gives_way else width
        for column, width in zip(columns, _natural(columns, rows), strict=True)
    ]
    stays = list(range(len(columns)))
    for index in sorted((index for index in stays if columns[index].goes), key=lambda index: -columns[index].goes):
        if sum(least[one] for one in stays) + GAP * (len(stays) - 1) <= total:
            break
        stays.remove(index)
    cut = [SheetRow(cells=[row.cells[at] for at in stays], style=row.style, notes=row.notes) for row in rows]
    return [columns[index] for index in stays], cut


def _natural(columns: Sequence[Column], rows: Sequence[SheetRow]) -> list[int]:
    return [column.width or found for column, found in zip(columns, _needed(columns, rows), strict=True)]


def _needed(columns: Sequence[Column], rows: Sequence[SheetRow]) -> list[int]:
    from rich.cells import cell_len

    return [
        max([cell_len(column.title), *(cell_len(row.cells[index]) for row in rows)])
        for index, column in enumerate(columns)
    ]


def fit(text: str, width: int) -> str:
    """Shorten a text in its middle to so many cells: its beginning and its end tell it from others."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    head = width // 2
    tail = width - 1 - head
    end = ""
    for letter in reversed(text):
        if cell_len(letter + end) > tail:
            break
        end = letter + end
    return f"{_beginning(text, head).rstrip()}…{end}"


def cut_at_end(text: str, width: int) -> str:
    """Shorten a sentence at its end to so many cells."""
    from rich.cells import cell_len

    return text if cell_len(text) <= width else f"{_beginning(text, max(width - 1, 0)).rstrip()}…"


def _beginning(text: str, width: int) -> str:
    """Return as many letters as fit; rich fills half of a wide one with a blank."""
    from rich.cells import set_cell_size

    return set_cell_size(text, width)
