"""Reading files of messages: every line has its number, and one that cannot be read says why."""

import io
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.entrypoints.formats.lines import LINE_MAX_BYTES, Format, format_of, read_lines
from ledger.errors import UnreadableFileError
from ledger.services.recording.rows import Line


def jsonl(content: bytes) -> list[Line]:
    return [replace(line, raw=None) for line in read_lines(io.BytesIO(content), Format.JSONL)]


def csv(content: bytes) -> list[Line]:
    return [replace(line, raw=None) for line in read_lines(io.BytesIO(content), Format.CSV)]


def test_the_format_is_guessed_from_the_name() -> None:
    assert [format_of(name) for name in ("a.csv", "A.CSV", "a.jsonl", "-", "a")] == [
        Format.CSV,
        Format.CSV,
        Format.JSONL,
        Format.JSONL,
        Format.JSONL,
    ]


def test_blank_lines_are_counted_and_left_out() -> None:
    assert jsonl(b'\xef\xbb\xbf{"a":1}\n\n  \r\n{"b":2}') == [
        Line(number=1, fields={"a": 1}),
        Line(number=4, fields={"b": 2}),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[1]", "but a list"),
        (b"3", "but a number"),
        (b'"x"', "but a text"),
        (b"null", "but null"),
        (b"true", "but true or false"),
        (b'{"a":NaN}', "NaN is no JSON number"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":"' + b"x" * LINE_MAX_BYTES + b'"}', "longer than 1,000,000 bytes"),
    ],
)
def test_a_line_that_is_no_object_says_why_and_stops_nothing(line: bytes, reason: str) -> None:
    first, second = jsonl(line + b'\n{"b":2}')
    assert first.number == 1
    assert isinstance(first.fields, str)
    assert reason in first.fields
    assert second == Line(number=2, fields={"b": 2})


def test_user_ids_of_a_cell_are_separated_by_spaces_commas_or_semicolons() -> None:
    lines = csv(b'processQueryKey,robotCode,userIds\nk,r,"a, b;c d"\n')
    assert lines == [Line(number=2, fields={"processQueryKey": "k", "robotCode": "r", "userIds": ["a", "b", "c", "d"]})]


@pytest.mark.parametrize("separator", [b",", b";", b"\t"])
def test_spreadsheets_of_any_country_are_understood(separator: bytes) -> None:
    content = (
        b"\xef\xbb\xbf" + separator.join([b"processQueryKey", b"campaign"]) + b"\r\n" + separator.join([b"k", b"c"])
    )
    assert csv(content) == [Line(number=2, fields={"processQueryKey": "k", "campaign": "c"})]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"processQueryKey,robotcode", "did you mean robotCode?"),
        (b"processQueryKey,xyz", "known are processQueryKey, robotCode"),
        (b"processQueryKey,source,source", "there twice"),
        (b"robotCode", "no column processQueryKey"),
        (b"\n\nrobotCode", "no column processQueryKey"),
        (b"processQueryKey\rrobotCode", "cannot be read: new-line character"),
        (b"processQueryKey," + b"x" * LINE_MAX_BYTES, "longer than 1,000,000 bytes"),
        (b"processQueryKey,\xff", "unknown column '\ufffd' in the CSV header: its letters are of another charset"),
        ("processQueryKey,备注".encode(), "known are processQueryKey .消息标识., .*take it out of the file"),
        ("processQueryKey,机器人名称".encode(), "did you mean 机器人. Rename it, or take it out of the file"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(header: bytes, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        csv(header + b"\na,b\n")


def test_rows_of_csv_that_cannot_be_read_say_why_with_the_line_that_they_start_on() -> None:
    long = b"x" * (LINE_MAX_BYTES + 10)
    content = b'processQueryKey,source\na,"x\ny"\n\nb\nc,\xff\nd,' + long + b"\ne,f\ng,h,i\n"
    lines = csv(content)
    assert [line.number for line in lines] == [2, 5, 6, 7, 8, 9]
    reasons = [line.fields for line in lines]
    assert reasons[0] == {"processQueryKey": "a", "source": "x\ny"}
    assert reasons[1] == "the line has 1 cells where the header names 2"
    assert reasons[2] == "the line is not UTF-8"
    assert str(reasons[3]).startswith("the line is longer")
    assert reasons[4] == {"processQueryKey": "e", "source": "f"}
    assert reasons[5] == "the line has 3 cells where the header names 2"


def test_a_quote_that_never_ends_costs_no_more_than_its_rows() -> None:
    content = b'processQueryKey,source\na,"open\n' + b"b,c\n" * 10
    first, *_ = csv(content)
    assert first.number == 2
    assert isinstance(first.fields, str)


@pytest.mark.parametrize("form", list(Format))
def test_an_empty_file_has_no_rows(form: Format) -> None:
    assert list(read_lines(io.BytesIO(b""), form)) == []


class Endless(io.RawIOBase):
    """A long file that is made while it is read."""

    def __init__(self, line: Callable[[int], bytes], lines: int) -> None:
        self._line, self._left, self._rest = line, lines, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest and self._left:
            self._rest, self._left = self._line(self._left), self._left - 1
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


@pytest.mark.parametrize("line", [lambda n: b'{"a":"%d"}\n' % n, lambda _: b"x" * 100_000])
def test_memory_does_not_grow_with_the_file(line: Callable[[int], bytes]) -> None:
    tracemalloc.start()
    for _ in read_lines(io.BufferedReader(Endless(line, 2000)), Format.JSONL):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
