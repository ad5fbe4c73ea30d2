"""Records in a file: each stands by itself, so that a torn one is skipped and takes no other along.

A record is the byte RS (as in RFC 7464), a checksum, a length, and JSON on one line. JSON holds no RS, so that a reader
finds the next record wherever the last one broke off. Lines without all that are of an older version, and are read too.
Only the standard library is used here, since senders without ours write records too.
"""

import re
from binascii import crc32
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_RS = b"\x1e"
# What lines of the older version begin with. Inside a text the quotes would be escaped: where two of these stand on one
# line, the first of them was torn and the second glued to it.
_BEGINNING = re.compile(rb'(?=\{"(?:sending|over|void|row|trace)":)')


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its JSON, or, when it is damaged, what is left of it."""

    content: bytes
    is_damaged: bool = False


def framed(line: bytes) -> bytes:
    """Return a line of JSON as a record."""
    content = line.rstrip(b"\n")
    return b"%b%08x %d %b\n" % (_RS, crc32(content), len(content), content)


def read_records(file: BinaryIO) -> Iterator[tuple[int, list[Record]]]:
    """Yield the records of each physical line, and how many bytes it has.

    A last line that does not end was never finished, or is being written: it is left out, and nobody relied on it.
    """
    for line in file:
        if not line.endswith(b"\n"):
            return
        before, *pieces = line.split(_RS)
        # What stands before a record on its line was torn; its writer knows and did not rely on it.
        records = [_record(piece) for piece in pieces] if pieces else [Record(old) for old in _old_lines(before)]
        yield len(line), [record for record in records if record is not None]


def _record(piece: bytes) -> Record | None:
    """Return a record, damaged or not; None when it is torn: then its line does not end before the next one begins."""
    try:
        checksum, length, rest = piece.split(b" ", 2)
        content = rest[: int(length)]
        if len(content) == int(length) and int(checksum, 16) == crc32(content):
            return Record(content)
    except ValueError:
        pass
    return Record(piece, is_damaged=True) if piece.endswith(b"\n") else None


def _old_lines(line: bytes) -> list[bytes]:
    return [part for part in _BEGINNING.split(line) if part.strip(b"\x00\r\n ")]
