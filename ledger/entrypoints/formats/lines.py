"""Files of messages as numbered lines: JSONL or CSV, in constant memory. What a row means is not known here."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, BinaryIO, NoReturn

from ledger.core.bodies import split_ids
from ledger.errors import UnreadableFileError
from ledger.services.recording.rows import Line

LINE_MAX_BYTES = 1_000_000
COLUMNS = ("processQueryKey", "robotCode", "userIds", "campaign", "sentAt", "openConversationId", "source", "chat")
_TOO_LONG = f"the line is longer than {LINE_MAX_BYTES:,} bytes"
_NOT_UTF8 = "the line is not UTF-8"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Format(StrEnum):
    """How a file of messages is written."""

    JSONL = "jsonl"
    CSV = "csv"


def format_of(name: str) -> Format:
    """Guess the format from a file's name, packed or not; what is not called CSV is taken for JSONL."""
    plain = re.sub(r"\.(gz|bz2|xz|zst)$", "", name.lower())
    return Format.CSV if plain.endswith(".csv") else Format.JSONL


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
    return _read_csv(file) if form is Format.CSV else Rows(header=b"", lines=_read_jsonl(file))


def _physical_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line with its number; None stands for one that is too long, of which no more is kept."""
    number = 0
    while chunk := file.readline(LINE_MAX_BYTES + 1):
        number += 1
        if number == 1:
            if chunk.startswith(_UTF16):
                raise UnreadableFileError("the file is UTF-16: save it as UTF-8")
            chunk = chunk.removeprefix(_BOM)
        if len(chunk) <= LINE_MAX_BYTES or chunk.endswith(b"\n"):
            yield number, chunk
            continue
        while chunk and not chunk.endswith(b"\n"):
            chunk = file.readline(LINE_MAX_BYTES)
        yield number, None


def _read_jsonl(file: BinaryIO) -> Iterator[Line]:
    for number, raw in _physical_lines(file):
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
    # Spreadsheets write what their country takes for a separator.
    separator = max(",;\t", key=header.count)
    if source.why == _TOO_LONG:
        raise UnreadableFileError(f"the CSV header: {_TOO_LONG}")
    try:
        columns = [cell.strip() for cell in next(csv.reader([header], delimiter=separator))] if header else []
    except csv.Error as error:
        raise UnreadableFileError(f"the CSV header cannot be read: {error}") from None
    lines = _csv_rows(source, _checked(columns), separator) if columns else iter(())
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
        if row or why:
            yield Line(number=start, fields=why or _fields(columns, row), raw=raw)


class _CsvText:
    """The lines of a CSV file as the csv module takes them: a row may be several of them.

    `why` says what was wrong with one of the lines since the last row was taken.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _physical_lines(file)
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


def _checked(names: list[str]) -> list[str]:
    """Return the columns of a header; raise UnreadableFileError for one that is unknown, double or missing."""
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            message = f"did you mean {near[0]}?" if near else f"known are {', '.join(COLUMNS)}"
            raise UnreadableFileError(f"unknown column {name!r} in the CSV header: {message}")
        if names.count(name) > 1:
            raise UnreadableFileError(f"the column {name} is there twice in the CSV header")
    if "processQueryKey" not in names:
        raise UnreadableFileError("the CSV header has no column processQueryKey")
    return names


def _fields(columns: Sequence[str], row: Sequence[str]) -> dict[str, Any] | str:
    if len(row) != len(columns):
        return f"the line has {len(row)} cells where the header names {len(columns)}"
    fields: dict[str, Any] = {name: cell.strip() for name, cell in zip(columns, row, strict=True)}
    if "userIds" in fields:
        fields["userIds"] = split_ids(fields["userIds"])
    return fields
