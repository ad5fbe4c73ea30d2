"""The file of rejected rows: as they stood, so that it can be imported once it is fixed; the reasons lie beside it."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ledger.errors import UnreadableFileError, UnwritableFileError
from ledger.services.recording.rows import Line


class RejectedLinesFile:
    """A new file of rejected rows, and `FILE.reasons` with a line for each; without any row neither stays."""

    def __init__(self, path: Path, header: bytes) -> None:
        self.path, self.reasons_path = path, path.with_name(f"{path.name}.reasons")
        self.written = self.left_out = 0
        self._header, self._line = header, 1
        self._opened: list[tuple[Path, BinaryIO]] = []

    def __enter__(self) -> "RejectedLinesFile":
        for path in (self.path, self.reasons_path):
            try:
                self._opened.append((path, open(path, "xb", opener=_private)))
            except FileExistsError:
                self._close()
                raise UnreadableFileError(f"{path} exists already: name another file, or move it away") from None
            except OSError as error:
                self._close()
                raise UnreadableFileError(f"{path} cannot be written: {error.strerror}") from None
        self._put(0, self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def add(self, line: Line, reason: str) -> None:
        """Write a rejected row; one that is too long to be kept is only told."""
        if line.raw is None:
            self.left_out += 1
            self._put(1, f"line {line.number} of the input, left out here: {reason}".encode(errors="backslashreplace"))
            return
        self.written += 1
        self._put(1, f"line {self._line} (was {line.number}): {reason}".encode(errors="backslashreplace"))
        self._put(0, line.raw)

    def _put(self, which: int, text: bytes) -> None:
        path, file = self._opened[which]
        whole = text if not text or text.endswith(b"\n") else text + b"\n"
        try:
            file.write(whole)
        except OSError as error:
            raise _unwritable(path, error) from None
        if which == 0:
            self._line += whole.count(b"\n")

    def _close(self) -> None:
        failure: UnwritableFileError | None = None
        for path, file in self._opened:
            try:
                file.close()
            except OSError as error:
                failure = failure or _unwritable(path, error)
            if not (self.written or self.left_out):
                path.unlink(missing_ok=True)
        if failure is not None:
            raise failure


def _private(path: str, flags: int) -> int:
    """Open a file that others cannot read: who received what is nobody else's business."""
    return os.open(path, flags, 0o600)


def _unwritable(path: Path, error: OSError) -> UnwritableFileError:
    return UnwritableFileError(f"{path} cannot be written: {error.strerror}; what was recorded stays recorded")
