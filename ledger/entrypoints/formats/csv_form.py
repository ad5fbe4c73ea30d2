"""CSV for programs, as it is, and for people, whose spreadsheets take some cells for something else."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ledger.clock import parse_time
from ledger.core.json_value import printable
from ledger.entrypoints.formats.translations import FileLanguage, code_in, column_in

# Without it, Excel takes UTF-8 for the charset of the country.
BYTE_ORDER_MARK = "\ufeff"
# What a spreadsheet runs as a formula; the wide signs too, where people write Chinese or Japanese.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
# What it takes for a number and shows as another one: of leading zeros, of more than 15 digits, with an exponent.
_NUMBER = re.compile(r"0\d+|\d{16,}|\d+[Ee]\d+")

_MOMENTS = frozenset({"sent_at", "deadline", "planned_at", "started_at", "finished_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvForm:
    """How CSV is written; without any of these, values are verbatim and each thing has one row.

    `for_spreadsheets` begins with a byte order mark and puts an apostrophe before what would run as a formula or
    become another number. `per_person` gives each recipient a row. `for_terminal` escapes what does not print.
    In a `language`, columns and codes have words beside them. In a `zone`, moments are written as spreadsheets take
    them for dates, and their columns name it; without, as JSON has them, in UTC.
    """

    for_spreadsheets: bool = False
    per_person: bool = False
    for_terminal: bool = False
    language: FileLanguage | None = None
    zone: ZoneInfo | None = None

    def head(self, column: str) -> str:
        """Return what a column is called."""
        name = column_in(self.language, column)
        if self.zone is None or column not in _MOMENTS:
            return name
        return f"{name[:-1]} · {self.zone.key})" if name.endswith(")") else f"{name} ({self.zone.key})"

    def cell(self, column: str, value: object) -> object:
        """Return one value of a column as it is written."""
        if self.zone is not None and column in _MOMENTS and isinstance(value, str):
            return f"{parse_time(value).astimezone(self.zone):%Y-%m-%d %H:%M:%S}"
        value = code_in(self.language, column, value)
        if not isinstance(value, str):
            return value
        if self.for_spreadsheets and (_FORMULA.match(value) or _NUMBER.fullmatch(value)):
            value = f"'{value}"
        return printable(value) if self.for_terminal else value


VERBATIM = CsvForm()


def csv_lines(
    columns: Sequence[str], batches: Iterable[Iterable[Sequence[object]]], form: CsvForm = VERBATIM
) -> Iterator[str]:
    """Write RFC 4180, a text for each batch of rows: lines end in CR LF."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK if form.for_spreadsheets and not form.for_terminal else "")
    writer.writerow([form.head(name) for name in columns])
    for rows in batches:
        writer.writerows(map(form.cell, columns, row) for row in rows)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if written := buffer.getvalue():
        yield written
