"""The options that say how CSV is written, and its way to stdout."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ledger.entrypoints.formats.csv_form import CsvForm

AsCsv = Annotated[bool, typer.Option("--csv", help="Write CSV with a header.")]
ForExcel = Annotated[
    bool,
    typer.Option("--excel", help="Write CSV for Excel and the like: a BOM first, no cell a formula or another number."),
]
Raw = Annotated[bool, typer.Option("--raw", help="With --csv: values verbatim, which is so without --excel.")]
PerPerson = Annotated[bool, typer.Option("--per-person", help="With --csv or --excel: a row for each recipient.")]
AsLines = Annotated[bool, typer.Option("--jsonl", help="Write a JSON document a line.")]


def named(as_json: bool, as_lines: bool) -> list[str]:
    """Return which forms of JSON were asked for."""
    return [name for name, is_given in (("--json", as_json), ("--jsonl", as_lines)) if is_given]


def csv_form(
    *, as_csv: bool, excel: bool, raw: bool = False, per_person: bool = False, others: Iterable[str] = ()
) -> "CsvForm | None":
    """Return how CSV is to be written, None when it is not; refuse what exclude each other, such as `others`."""
    from ledger.entrypoints.formats.csv_form import CsvForm

    is_csv = as_csv or excel
    named = [*others, *(["--csv" if as_csv else "--excel"] if is_csv else [])]
    if len(named) > 1:
        raise typer.BadParameter(f"{' and '.join(named)} exclude each other")
    if excel and raw:
        raise typer.BadParameter("--excel and --raw exclude each other")
    for option, is_given in (("--raw", raw), ("--per-person", per_person)):
        if is_given and not is_csv:
            raise typer.BadParameter(f"{option} says how CSV is written: give --csv with it")
    if not is_csv:
        return None
    # A terminal obeys what does not print.
    return CsvForm(for_spreadsheets=excel, per_person=per_person, for_terminal=sys.stdout.isatty())


def write_csv(pieces: Iterable[str]) -> None:
    """Write pieces of CSV to stdout as they are: lines end in CR LF."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")
    for piece in pieces:
        sys.stdout.write(piece)
