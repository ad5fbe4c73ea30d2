"""Compressed files as plain ones: recognised by their first bytes, so that a pipe will do; read in constant memory."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ledger.errors import UnreadableFileError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 6
BUFFER_BYTES = 64 * 1024
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def _zstd(file: BinaryIO) -> BinaryIO:
    """Open Zstandard as Python has it since 3.14; its backport is the same code for those before."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return cast("BinaryIO", zstd.ZstdFile(file))


_KINDS: tuple[tuple[bytes, str, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", "bzip2", bz2.BZ2File),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
)


def unpacked(file: BinaryIO) -> BinaryIO:
    """Return the file itself, or what is packed in it; reading raises UnreadableFileError once the data is damaged."""
    head = _read_head(file)
    if head.startswith(b"PK\x03\x04"):
        raise UnreadableFileError(
            "this is a zip archive: unpack it first, as in `unzip -p FILE | ledger import -`; "
            "if it is a spreadsheet, say --format xlsx"
        )
    whole = io.BufferedReader(_Rejoined(head, file), BUFFER_BYTES)
    for magic, name, opened in _KINDS:
        if head.startswith(magic):
            return io.BufferedReader(_Told(opened(whole), name), BUFFER_BYTES)
    return whole


def _read_head(file: BinaryIO) -> bytes:
    """Return the first bytes; a pipe may give them one at a time."""
    head = b""
    while len(head) < HEAD_BYTES and (more := file.read(HEAD_BYTES - len(head))):
        head += more
    return head


class _Rejoined(io.RawIOBase):
    """A file whose first bytes were read already, put together again: pipes cannot be wound back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        if self._head:
            size = min(len(view), len(self._head))
            view[:size], self._head = self._head[:size], self._head[size:]
            return size
        more = self._rest.read1(len(view)) if isinstance(self._rest, io.BufferedReader) else self._rest.read(len(view))
        view[: len(more)] = more
        return len(more)


class _Told(io.RawIOBase):
    """What is packed in an archive; that it is cut off or damaged is told in words."""

    def __init__(self, packed: BinaryIO, name: str) -> None:
        self._packed, self._name = packed, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        try:
            more = self._packed.read1(len(view))  # type: ignore[attr-defined]  # every packed file of Python has it
        except EOFError:
            raise UnreadableFileError(f"the {self._name} data is cut off: its end is missing") from None
        except Exception as error:
            if not _is_damage(error):
                raise
            raise UnreadableFileError(f"the {self._name} data is damaged: {error}") from None
        view[: len(more)] = more
        return len(more)


def _is_damage(error: Exception) -> bool:
    """Say whether the data is at fault; a disk or a network that fails has a number."""
    kind = type(error).__name__
    return isinstance(error, _DAMAGED) or kind == "ZstdError" or (isinstance(error, OSError) and error.errno is None)
