"""A JSON document of one row or a list of them, read row by row: however many there are, one is in memory."""

import json
import re
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from typing import Any, NoReturn

from ledger.services.recording.rows import Line

ROW_MAX_CHARACTERS = 1_000_000
_SPACE = re.compile(r"[ \t\n\r]*")


class NotJsonError(ValueError):
    """A document that is no JSON; the text says from which row on."""


def read_json(body: bytes) -> Iterator[Line]:
    """Yield each row with its number, or why it is none; raise NotJsonError where the document ends to be JSON."""
    document = _Document(body)
    if document.peek() != "[":
        yield _line(1, document.value(1))
    else:
        yield from _listed(document)
    if document.peek():
        raise NotJsonError("something follows after its end")


def _listed(document: "_Document") -> Iterator[Line]:
    document.take("[")
    if document.peek() == "]":
        document.take("]")
        return
    number = 0
    while True:
        number += 1
        yield _line(number, document.value(number))
        if document.take(",]") == "]":
            return


def _line(number: int, row: object) -> Line:
    return Line(number=number, fields=row if isinstance(row, dict) else "a row is a JSON object")


class _Document:
    """The text of a document from where reading has come to, of which only the next part is kept."""

    def __init__(self, body: bytes) -> None:
        self._source = TextIOWrapper(BytesIO(body), json.detect_encoding(body), "surrogatepass", newline="")
        self._decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self._text, self._at, self._is_last = "", 0, False

    def peek(self) -> str:
        """Return the next character that is no white space, without going on; none at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or self._is_last:
                return self._text[self._at : self._at + 1]
            self._fill()

    def take(self, wanted: str) -> str:
        """Return the next character, which is one of those wanted."""
        found = self.peek()
        if not found or found not in wanted:
            raise NotJsonError(f"{found!r} stands where {' or '.join(wanted)} is due" if found else "it ends too soon")
        self._at += 1
        return found

    def value(self, number: int) -> Any:
        """Return the next value, that of a row."""
        self.peek()
        self._fill()
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            longest = "" if self._is_last else f", or has more than {ROW_MAX_CHARACTERS:,} characters"
            raise NotJsonError(f"row {number}: {why}{longest}") from None
        return value

    def _fill(self) -> None:
        if self._is_last or len(self._text) - self._at > ROW_MAX_CHARACTERS:
            return
        try:
            more = self._source.read(ROW_MAX_CHARACTERS)
        except UnicodeDecodeError as error:
            raise NotJsonError(f"it is not {error.encoding.upper()}") from None
        self._is_last = not more
        self._text, self._at = self._text[self._at :] + more, 0


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
