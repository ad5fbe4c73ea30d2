"""Files of messages as numbered lines: JSONL or CSV in constant memory, or a spreadsheet. Rows mean nothing here."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, NoReturn

from ledger.entrypoints.formats.cells import columns_of, fields_of_row
from ledger.entrypoints.formats.spreadsheets import read_spreadsheet
from ledger.errors import UnreadableFileError
from ledger.services.recording.rows import Line

LINE_MAX_BYTES = 1_000_000
_TOO_LONG = f"the line is longer than {LINE_MAX_BYTES:,} bytes"
_NOT_UTF8 = "the line is not UTF-8"
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"


class Format(StrEnum):
    """How a file of messages is written."""

    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"


def format_of(name: str) -> Format:
    """Guess the format from a file's name, packed or not; what has no known name is taken for JSONL."""
    plain = re.sub(r"\.(gz|bz2|xz|zst)$", "", name.lower())
    if plain.endswith((".xlsx", ".xlsm")):
        return Format.XLSX
    return Format.CSV if plain.endswith((".csv", ".tsv")) else Format.JSONL


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a file, to be read once; `header` is its first line as it stands, where the format has one."""

    header: bytes
    lines: Iterator[Line]

    def __iter__(self) -> Iterator[Line]:
        return self.lines


def read_lines(file: BinaryIO, form: Format) -> Rows:
    """Read each row with the number of its line (from 1), or why it is none; raise UnreadableFileError for a header.

    Blank lines are counted and left out.
    """
    if form is Format.XLSX:
        header, lines = read_spreadsheet(file)
        return Rows(header=header, lines=lines)
    return _read_csv(file) if form is Format.CSV else Rows(header=b"", lines=_read_jsonl(file))


def physical_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number; None stands for one that is too long, of which no more is kept."""
    number = 0
    while chunk := file.readline(LINE_MAX_BYTES + 1):
        number += 1
        if number == 1:
            chunk = chunk.removeprefix(_BOM)
        if len(chunk) <= LINE_MAX_BYTES or chunk.endswith(b"\n"):
            yield number, chunk
            continue
        while chunk and not chunk.endswith(b"\n"):
            chunk = file.readline(LINE_MAX_BYTES)
        yield number, None


def _read_jsonl(file: BinaryIO) -> Iterator[Line]:
    for number, raw in physical_lines(file):
        if raw is None:
            yield Line(number=number, fields=_TOO_LONG)
        elif raw.strip():
            yield Line(number=number, fields=_parse_json(raw), raw=raw)


def _parse_json(raw: bytes) -> dict[str, Any] | str:
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        return _NOT_UTF8
    except json.JSONDecodeError as error:
        return f"the line is not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return f"the line is not JSON: {error}"
    if not isinstance(value, dict):
        return f"the line is not a JSON object but {_kind(value)}: write one object a line"
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _read_csv(file: BinaryIO) -> Rows:
    csv.field_size_limit(LINE_MAX_BYTES)
    source = _CsvText(file)
    header = next((line for line in source if line.strip() or source.why), "")
    said = _SEPARATOR.fullmatch(header.strip("\r\n")) if header else None
    if said:
        source.taken()
        header = next((line for line in source if line.strip() or source.why), "")
    # Spreadsheets write what their country takes for a separator, and some say which.
    separator = said[1] if said else max(",;\t", key=header.count)
    if source.why == _TOO_LONG:
        raise UnreadableFileError(f"the CSV header: {_TOO_LONG}")
    try:
        columns = columns_of(next(csv.reader([header], delimiter=separator))) if header else []
    except csv.Error as error:
        raise UnreadableFileError(f"the CSV header cannot be read: {error}") from None
    lines = _csv_rows(source, columns, separator) if columns else iter(())
    return Rows(header=(source.taken() or b"").lstrip(), lines=lines)


def _csv_rows(source: "_CsvText", columns: Sequence[str], separator: str) -> Iterator[Line]:
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        start, row, failure = source.number + 1, [], None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            failure = f"the line is not CSV: {error}"
        why, raw = source.why or failure, source.taken()
        fields = why or fields_of_row(columns, row)
        if fields is not None:
            yield Line(number=start, fields=fields, raw=raw)


class _CsvText:
    """The lines of a CSV file as the csv module takes them: a row may be several of them.

    `why` says what was wrong with one of the lines since the last row was taken.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = physical_lines(file)
        self._kept: list[bytes] = []
        self._size_bytes = 0
        self.number = 0
        self.why: str | None = None

    def __iter__(self) -> "_CsvText":
        return self

    def __next__(self) -> str:
        self.number, raw = next(self._lines)
        self._size_bytes += LINE_MAX_BYTES if raw is None else len(raw)
        if raw is None or self._size_bytes > LINE_MAX_BYTES:
            self.why = _TOO_LONG
            self._kept.clear()
            if raw is None and self._size_bytes == LINE_MAX_BYTES:
                return "\n"
            # Inside quotes, where the row would go on and on.
            raise csv.Error(_TOO_LONG)
        self._kept.append(raw)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.why = self.why or _NOT_UTF8
            return raw.decode("utf-8", errors="replace")

    def taken(self) -> bytes | None:
        """Return the row as it stands in the file, None when it is too long to be kept, and begin the next."""
        raw = None if self.why == _TOO_LONG else b"".join(self._kept)
        self._kept, self._size_bytes, self.why = [], 0, None
        return raw
