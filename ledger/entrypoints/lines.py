"""Files of messages as numbered lines: JSONL or CSV, in constant memory. What a row means is not known here."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, BinaryIO, NoReturn

from ledger.errors import UnreadableFileError
from ledger.services.recorder import Line

LINE_MAX_BYTES = 1_000_000
COLUMNS = ("processQueryKey", "robotCode", "userIds", "campaign", "sentAt", "openConversationId", "source")
_TOO_LONG = f"the line is longer than {LINE_MAX_BYTES:,} bytes"
_NOT_UTF8 = "the line is not UTF-8"
_BOM = b"\xef\xbb\xbf"


class Format(StrEnum):
    """How a file of messages is written."""

    JSONL = "jsonl"
    CSV = "csv"


def format_of(name: str) -> Format:
    """Guess the format from a file's name; what is not called CSV is taken for JSONL."""
    return Format.CSV if name.lower().endswith(".csv") else Format.JSONL


def read_lines(file: BinaryIO, form: Format) -> Iterator[Line]:
    """Yield each row with the number of its line (from 1), or why it is none; raise UnreadableFileError for a header.

    Blank lines are counted and left out.
    """
    return _read_csv(file) if form is Format.CSV else _read_jsonl(file)


def _physical_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
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
    for number, raw in _physical_lines(file):
        if raw is None:
            yield Line(number=number, fields=_TOO_LONG)
        elif raw.strip():
            yield Line(number=number, fields=_parse_json(raw))


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


def _read_csv(file: BinaryIO) -> Iterator[Line]:
    csv.field_size_limit(LINE_MAX_BYTES)
    source = _CsvText(file)
    header = next(source, "")
    if not header.strip():
        return
    # Spreadsheets write what their country takes for a separator.
    separator = max(",;\t", key=header.count)
    columns = _checked([cell.strip() for cell in next(csv.reader([header], delimiter=separator))])
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        start = source.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number=start, fields=source.why(start) or f"the line is not CSV: {error}")
            continue
        if row or source.why(start):
            yield Line(number=start, fields=source.why(start) or _fields(columns, row))


class _CsvText:
    """The lines of a CSV file as the csv module takes them, remembering which were not readable."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _physical_lines(file)
        self._unreadable: dict[int, str] = {}
        self.number = 0

    def __iter__(self) -> "_CsvText":
        return self

    def __next__(self) -> str:
        self.number, raw = next(self._lines)
        if raw is None:
            self._unreadable[self.number] = _TOO_LONG
            return "\n"
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._unreadable[self.number] = _NOT_UTF8
            return raw.decode("utf-8", errors="replace")

    def why(self, start: int) -> str | None:
        """Return why one of the lines from `start` to here could not be read, or None; forget those before."""
        found = [reason for number, reason in self._unreadable.items() if number >= start]
        self._unreadable = {number: reason for number, reason in self._unreadable.items() if number >= start}
        return found[0] if found else None


def _checked(names: list[str]) -> list[str]:
    """Return the columns of a header; raise UnreadableFileError for one that is unknown, double or missing."""
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            said = f"did you mean {near[0]}?" if near else f"known are {', '.join(COLUMNS)}"
            raise UnreadableFileError(f"unknown column {name!r} in the CSV header: {said}")
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
        fields["userIds"] = _users(fields["userIds"])
    return fields


def _users(cell: str) -> object:
    """Read user ids that are separated by spaces, commas, semicolons or bars, or stand as a JSON array."""
    if cell.lstrip().startswith("["):
        with suppress(ValueError):
            return json.loads(cell)
    return re.split(r"[\s,;|]+", cell.strip(" \t\r\n,;|")) if cell.strip(" \t\r\n,;|") else []
