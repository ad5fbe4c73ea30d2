"""People as rows of a table, one a line: for CSV and for workbooks."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ledger.entrypoints.formats.csv_form import VERBATIM, CsvForm, csv_lines

if TYPE_CHECKING:
    from ledger.core.persons.reached_people import PersonLine

# What contract and JSON call them. What is new comes last.
COLUMNS = ("user", "messages", "recalled", "left", "unknown", "undelivered")


def people_as_csv(batches: "Iterable[Iterable[PersonLine]]", form: CsvForm = VERBATIM) -> Iterator[str]:
    """Write batches of people."""
    return csv_lines(COLUMNS, (map(person_cells, lines) for lines in batches), form)


def person_cells(line: "PersonLine") -> list[object]:
    """Return a person's cells in the order of COLUMNS."""
    return [getattr(line, name) for name in COLUMNS]
