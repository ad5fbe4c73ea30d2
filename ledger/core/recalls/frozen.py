"""What a plan froze, in at most some kilobytes: a digest that proves all of its rows, and marks that say where to look.

The digest is a SHA-256 over every cell in the order of the rows. The marks (CRC-32 of each column, and of each group of
rows) prove nothing by themselves: they name the column and the row of what the digest disproves.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from zlib import crc32

from ledger.core.json_value import jsonable

# A plan of up to so many rows has a mark for each; of a larger one, some rows share a mark.
MOST_MARKS = 1000
MARK_CHARACTERS = 8
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_ESCAPED = bytes(range(0x20)) + b'"\\'
_PLAIN = frozenset((str, int, type(None), bool))
_encode_lines = json.JSONEncoder(sort_keys=True, separators=("\n", ":"), ensure_ascii=False).encode


def encoded(cell: object) -> bytes:
    """Return a cell in its canonical form, the same after a trip through any database."""
    return _encode(jsonable(cell)).encode("utf-8", "surrogatepass")


def _encoded_column(cells: Sequence[Any]) -> list[bytes]:
    """Return cells as `encoded` does each, but all in one go: what is encoded so has no line feed of its own."""
    kinds = set(map(type, cells))
    # Of one recall, most columns say the same of each row.
    is_same = len(kinds) == 1 and kinds <= _PLAIN and cells.count(cells[0]) == len(cells)
    if is_same or (kinds == {dict} and not any(cells)):
        return [encoded(cells[0])] * len(cells)
    if kinds == {str} and (lines := _plain_lines(cells)):
        return lines
    if kinds == {list} and all(_PLAIN.issuperset(map(type, cell)) for cell in cells):
        every = iter(_lines([one for cell in cells for one in cell]))
        return [b"[" + b",".join(islice(every, len(cell))) + b"]" for cell in cells]
    values = cells if kinds <= _PLAIN else [cell if type(cell) in _PLAIN else _jsonable(cell) for cell in cells]
    lines = _lines(values)
    return lines if len(lines) == len(cells) else [encoded(value) for value in values]


def _jsonable(cell: object) -> object:
    # There are two times in each row, nearly always in UTC.
    if type(cell) is datetime and cell.tzinfo is UTC:
        return f"{cell.isoformat()[:-6]}Z"
    return cell if cell == {} else jsonable(cell)


def _plain_lines(texts: Sequence[str]) -> list[bytes]:
    """Return texts as JSON has them when no letter of theirs needs an escape: nothing when one does."""
    joined = "\n".join(texts).encode("utf-8", "surrogatepass")
    if len(joined) - len(joined.translate(None, _ESCAPED)) != len(texts) - 1:
        return []
    return (b'"' + joined.replace(b"\n", b'"\n"') + b'"').split(b"\n")


def _lines(values: Sequence[object]) -> list[bytes]:
    """Return each value in its canonical form; more than there are when one has others inside."""
    return _encode_lines(values)[1:-1].encode("utf-8", "surrogatepass").split(b"\n")


@dataclass(slots=True, kw_only=True)
class FrozenDigest:
    """The running digest of rows with some columns, of which `expected_rows` are to come; it keeps none of them."""

    columns: Sequence[str]
    expected_rows: int
    count: int = 0
    marks: list[int] = field(default_factory=list)
    _sha: Any = field(default_factory=hashlib.sha256)
    _columns: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._columns = [0] * len(self.columns)

    @property
    def rows_per_mark(self) -> int:
        """How many rows share a mark."""
        return max(-(-self.expected_rows // MOST_MARKS), 1)

    def add(self, cells: Sequence[object]) -> None:
        """Take the next row."""
        parts = [encoded(cell) for cell in cells]
        line = b",".join(parts) + b"\n"
        self._sha.update(line)
        self._columns = [crc32(part + b"\n", so_far) for part, so_far in zip(parts, self._columns, strict=True)]
        if self.count % self.rows_per_mark == 0:
            self.marks.append(0)
        self.marks[-1] = crc32(line, self.marks[-1])
        self.count += 1

    def add_columns(self, columns: Sequence[Sequence[object]]) -> None:
        """Take the next rows, given by column: that is several times as fast as a cell at a time."""
        if not columns or not columns[0]:
            return
        encoded_columns = [_encoded_column(cells) for cells in columns]
        self._columns = [
            crc32(b"\n".join(parts) + b"\n", so_far)
            for parts, so_far in zip(encoded_columns, self._columns, strict=True)
        ]
        lines = [b",".join(parts) + b"\n" for parts in zip(*encoded_columns, strict=True)]
        self._sha.update(b"".join(lines))
        place, rows_per_mark = 0, self.rows_per_mark
        while place < len(lines):
            if self.count % rows_per_mark == 0:
                self.marks.append(0)
            group = lines[place : place + rows_per_mark - self.count % rows_per_mark]
            self.marks[-1] = crc32(b"".join(group), self.marks[-1])
            self.count += len(group)
            place += len(group)

    def to_fact(self) -> dict[str, Any]:
        """Return it as an entry of the history holds it."""
        return {
            "count": self.count,
            "digest": self._sha.hexdigest(),
            "columns": {name: _mark(value) for name, value in zip(self.columns, self._columns, strict=True)},
            "marks": "".join(map(_mark, self.marks)),
        }

    def changed_columns(self, fact: Mapping[str, Any]) -> list[str]:
        """Return the columns that are not what a fact of before says."""
        marks = zip(self.columns, self._columns, strict=True)
        return [name for name, value in marks if fact["columns"].get(name) != _mark(value)]

    def is_like(self, fact: Mapping[str, Any]) -> bool:
        """Say whether the rows are those of a fact of before."""
        return bool(self.count == fact["count"] and self._sha.hexdigest() == fact["digest"])


def mark_at(fact: Mapping[str, Any], group: int) -> str:
    """Return the mark of one group of rows in a fact; empty when it has none."""
    marks: str = fact["marks"]
    return marks[group * MARK_CHARACTERS : (group + 1) * MARK_CHARACTERS]


def is_marked(frozen: FrozenDigest, fact: Mapping[str, Any]) -> bool:
    """Say whether the group that a row ended in has the mark that a fact of before says."""
    return mark_at(fact, len(frozen.marks) - 1) == _mark(frozen.marks[-1])


@lru_cache(maxsize=1024)
def mark_of(text: str) -> str:
    """Return a short mark of a long text that is named elsewhere."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


_mark: Callable[[int], str] = "{:08x}".format
