"""The file of rejected rows, when the disk does not play along."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.entrypoints.formats.rejected_lines import RejectedLinesFile
from ledger.errors import UnwritableFileError
from ledger.services.recording.rows import Line


@contextmanager
def small_files() -> Iterator[None]:
    """Let no file grow beyond 1,000 bytes: what a full disk does, without filling one.

    For a moment only: the report of the tests may go to a file as well.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("rows", [1, 100])
def test_a_disk_that_is_full_is_told_at_the_latest_in_the_end(tmp_path: Path, rows: int) -> None:
    with pytest.raises(UnwritableFileError, match="cannot be written: File too large"), small_files():
        fill(tmp_path / "fix", rows)


def fill(path: Path, rows: int) -> None:
    with RejectedLinesFile(path, b"") as to_fix:
        for number in range(rows):
            to_fix.add(Line(number=number, fields="bad", raw=b"x" * 2000), "bad")


def test_a_row_that_is_too_long_is_told_beside_the_file(tmp_path: Path) -> None:
    with RejectedLinesFile(tmp_path / "fix", b"") as to_fix:
        to_fix.add(Line(number=7, fields="too long"), "too long")
        to_fix.add(Line(number=8, fields="bad", raw=b"a\nb"), "half a pair \ud800")
        to_fix.add(Line(number=10, fields="bad", raw=b"c\n"), "bad")
    assert (to_fix.written, to_fix.left_out) == (2, 1)
    assert (tmp_path / "fix").read_bytes() == b"a\nb\nc\n"
    assert (tmp_path / "fix.reasons").read_text().splitlines() == [
        "line 7 of the input, left out here: too long",
        "line 1 (was 8): half a pair \\ud800",
        "line 3 (was 10): bad",
    ]
