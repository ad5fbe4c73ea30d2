"""Any bytes at all, in pieces of any size: each row is read, or there is a reason why not."""

import csv as csv_module
import io
import json
import re
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.recording.row import Row
from ledger.entrypoints.formats import lines as reader
from ledger.entrypoints.formats.archives import unpacked
from ledger.entrypoints.formats.lines import Format, read_lines
from ledger.errors import InvalidMessageError, UnreadableFileError
from ledger.services.recording.rows import Defaults, Line, read_row
from tests.conftest import NOON


class Pieces(io.RawIOBase):
    """A pipe: its bytes come as somebody wrote them, never more at once."""

    def __init__(self, content: bytes, sizes: Sequence[int]) -> None:
        self._rest, self._sizes, self._turn = content, list(sizes) or [1], 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), len(self._rest), self._sizes[self._turn % len(self._sizes)])
        self._turn += 1
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def read(content: bytes, form: Format, sizes: Sequence[int] = (1 << 20,)) -> list[Line] | str:
    """Return all rows, or why the file was refused."""
    file = io.BufferedReader(Pieces(content, sizes), 16)
    try:
        return list(read_lines(unpacked(file), form))
    except UnreadableFileError as error:
        return str(error)


HEADER = b"processQueryKey,robotCode,userIds\n"
# What files of rows are made of, in any order, and bytes that are made of nothing.
MARKS = (
    b"\n",
    b"\r\n",
    b"\r",
    b'"',
    b'""',
    b",",
    b";",
    b"\t",
    b" ",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\xef\xbb\xbf",
    b"\x00",
)
WORDS = (b'{"processQueryKey":"k"}', b"processQueryKey", b"k,r,a b\n", b'"a\nb"', b"\\u0000", b"\xff", b"\xe5\xbc\xa0")
OTHERS = (b"\xef\xbb\xbf", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"1e999", b"NaN", b"-", b"null")
PARTS = st.sampled_from((*MARKS, *WORDS, *OTHERS))
CONTENTS = st.lists(PARTS | st.binary(max_size=8), max_size=30).map(b"".join)
SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=5)


@pytest.mark.parametrize("form", list(Format))
@given(content=CONTENTS, sizes=SIZES, with_header=st.booleans())
@example(content=b'"', sizes=[1], with_header=True)
@example(content=b"a\rb", sizes=[1], with_header=False)
@example(content=b"\x1f\x8b\x08\x00", sizes=[1], with_header=False)
def test_any_bytes_are_rows_or_have_a_reason_however_they_arrive(
    form: Format, content: bytes, sizes: list[int], with_header: bool
) -> None:
    whole = HEADER + content if with_header and form is Format.CSV else content
    detail = read(whole, form)
    assert detail == read(whole, form, sizes)
    if isinstance(detail, str):
        assert detail
        return
    for line in detail:
        if not isinstance(line.fields, str):
            with suppress(InvalidMessageError):
                read_row(line.fields, Defaults(), NOON)
        assert line.raw is not None
        assert line.raw in whole
    numbers = [line.number for line in detail]
    assert numbers == sorted(set(numbers))


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)

# What spreadsheets put before a text that looks like a number, or leave of one, means something else in a cell.
CELLS = TEXTS.filter(lambda text: not re.match(r"\s*(['=#]|[+-]?\d([.,]\d+)?E)", text, re.IGNORECASE))


@given(cells=st.lists(st.tuples(CELLS, CELLS), max_size=8), sizes=SIZES, end=st.sampled_from(["\n", "\r\n"]))
@example(cells=[("a\nb", 'x"y'), ("\r\n", ",")], sizes=[1], end="\r\n")
def test_what_a_spreadsheet_wrote_is_read_as_it_was_meant(
    cells: list[tuple[str, str]], sizes: list[int], end: str
) -> None:
    paper = io.StringIO()
    writer = csv_module.writer(paper, lineterminator=end, quoting=csv_module.QUOTE_ALL)
    writer.writerow(("processQueryKey", "source"))
    writer.writerows(cells)
    detail = read(b"\xef\xbb\xbf" + paper.getvalue().encode(), Format.CSV, sizes)
    stripped = [(key.strip(), source.strip()) for key, source in cells]
    # A row of blanks is an empty row, which offices leave in their files.
    meant = [{"processQueryKey": key, "source": source} for key, source in stripped if key or source]
    assert [line.fields for line in detail if isinstance(line, Line)] == meant


@given(rows=st.lists(st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=8), sizes=SIZES, bom=st.booleans())
def test_what_a_program_wrote_as_json_lines_is_read_as_it_was_meant(
    rows: list[dict[str, str]], sizes: list[int], bom: bool
) -> None:
    content = "\r\n".join(json.dumps(row) for row in rows).encode()
    detail = read(b"\xef\xbb\xbf" * bom + content, Format.JSONL, sizes)
    assert [line.fields for line in detail if isinstance(line, Line)] == rows


@given(content=CONTENTS)
@example(content=b'k,"r\na,b,c\nd')
def test_a_rejected_row_of_csv_is_the_same_row_when_it_stands_alone_under_its_header(content: bytes) -> None:
    rows = read_lines(io.BytesIO(HEADER + content), Format.CSV)
    for line in [line for line in rows if isinstance(line.fields, str)]:
        alone = read_lines(io.BytesIO(rows.header + (line.raw or b"")), Format.CSV)
        assert [one.fields for one in alone] == [line.fields]


def test_a_row_whose_quoted_lines_never_end_is_given_up_at_the_limit() -> None:
    size = reader.LINE_MAX_BYTES // 4
    content = HEADER + b'"k","' + b'\n","'.join([b"x" * size] * 6) + b"\nk,r,a\n"
    detail = read(content, Format.CSV)
    assert isinstance(detail, list)
    assert str(detail[0].fields).startswith("the line is longer than 1,000,000 bytes")
    assert detail[0].raw is None
    assert detail[-1].fields == {"processQueryKey": "k", "robotCode": "r", "userIds": ["a"]}


def test_a_row_is_made_from_what_a_cell_says() -> None:
    detail = read(HEADER + b'k,r,"[""a"", ""b""]"\n', Format.CSV)
    assert isinstance(detail, list)
    fields = detail[0].fields
    assert not isinstance(fields, str)
    assert Row.read({**fields, "sentAt": NOON}).to_message().recipients == ("a", "b")
