"""A table that fits the screen: columns give way, then go; no cell is ever wrapped.

What somebody has to type next, a number or a name, stays readable on the narrowest screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
NARROWEST = 6


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
    """A row of cells with one style."""

    cells: Sequence[str]
    style: str | None = None


def print_sheet(
    paper: "Console", columns: Sequence[Column], rows: Sequence[SheetRow], *, show_header: bool = True
) -> None:
    """Write rows under each other."""
    from rich.table import Table

    columns, rows = _without_what_goes(columns, rows, paper.width)
    widths = fitted(columns, rows, paper.width)
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=show_header, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        made.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            width=width,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        made.add_row(*map(_cut, columns, row.cells, widths), style=row.style)
    paper.print(made)


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
    cut = [SheetRow(cells=[row.cells[index] for index in stays], style=row.style) for row in rows]
    return [columns[index] for index in stays], cut


def _natural(columns: Sequence[Column], rows: Sequence[SheetRow]) -> list[int]:
    from rich.cells import cell_len

    return [
        column.width or max([cell_len(column.title), *(cell_len(row.cells[index]) for row in rows)])
        for index, column in enumerate(columns)
    ]


def _cut(column: Column, text: str, width: int) -> str:
    # Rich itself cuts at the end.
    return text if column.is_text else fit(text, width)


def fit(text: str, width: int) -> str:
    """Shorten a text in its middle to so many cells: its beginning and its end tell it from others."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    head = width // 2
    tail = width - 1 - head
    end = ""
    for letter in reversed(text):
        if cell_len(letter + end) > tail:
            break
        end = letter + end
    return f"{set_cell_size(text, head).rstrip()}…{end}"
