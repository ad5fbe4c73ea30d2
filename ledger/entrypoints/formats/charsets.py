"""Files in other charsets as UTF-8: told by their first bytes, by whoever imports them, or guessed and said so."""

import codecs
import io
from typing import BinaryIO, NamedTuple

from ledger.errors import InputError, UnreadableFileError

SAMPLE_BYTES = 256 * 1024
_BUFFER_BYTES = 64 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What spreadsheets of offices save where it is not UTF-8. GB18030 knows all letters of the Chinese ones before it.
_GUESSED = ["gb18030", "big5", "cp932", "cp949", "cp1252"]
_CHINESE = ("gb2312", "gbk", "gb18030", "hz")


class Text(NamedTuple):
    """A file in UTF-8, and which charset it was taken for when that had to be guessed."""

    content: BinaryIO
    guessed: str | None


def in_utf8(content: BinaryIO, encoding: str | None, *, may_guess: bool) -> Text:
    """Return a file in UTF-8; raise InputError for a charset that nobody knows.

    A line that holds bytes of no letter comes out as it was, and is refused there.
    """
    if encoding is not None:
        return Text(_recoded(content, _known(encoding)), None)
    buffered = content if isinstance(content, io.BufferedReader) else io.BufferedReader(content, SAMPLE_BYTES)  # type: ignore[type-var]
    sample = buffered.peek(SAMPLE_BYTES)
    marked = next((name for mark, name in _MARKS if sample.startswith(mark)), None)
    if marked == "utf-16":
        return Text(_recoded(buffered, marked), None)
    if marked or not may_guess:
        return Text(buffered, None)
    guessed = _guessed(sample)
    return Text(_recoded(buffered, guessed) if guessed else buffered, guessed)


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except LookupError:
        raise InputError(
            f"--encoding: nobody knows the charset {encoding!r}; known are utf-8, utf-16, gb18030, big5 and many more"
        ) from None
    return "gb18030" if name in _CHINESE else name


def _guessed(sample: bytes) -> str | None:
    """Return the charset of bytes that are not UTF-8, if it is likely enough."""
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    if _is(whole, "utf-8"):
        return None
    # A few Chinese letters are too few to tell by how often they come; what is read as one throughout, is one.
    from charset_normalizer import from_bytes

    best = from_bytes(whole, cp_isolation=_GUESSED).best()
    if best is None:
        return "gb18030" if _is(whole, "gb18030") else None
    return "gb18030" if best.encoding in _CHINESE or _is_chinese(whole) else best.encoding


def _is(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(sample: bytes) -> bool:
    """Say whether all that is not ASCII reads as Chinese letters of everyday use."""
    try:
        letters = [letter for letter in sample.decode("gb2312") if ord(letter) > 127]
    except UnicodeDecodeError:
        return False
    return bool(letters)


def _recoded(content: BinaryIO, encoding: str) -> BinaryIO:
    return io.BufferedReader(_Recoded(content, encoding), _BUFFER_BYTES)


class _Recoded(io.RawIOBase):
    """A file whose text is given out in UTF-8, some at a time."""

    def __init__(self, content: BinaryIO, encoding: str) -> None:
        self._content, self._encoding = content, encoding
        # Bytes of no letter stay what they were, so that the line alone is refused; in pairs of bytes there is no such.
        errors = "strict" if encoding.startswith("utf-16") else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._ready = b""
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)
        while not self._ready and not self._is_over:
            raw = self._content.read(_BUFFER_BYTES)
            self._is_over = not raw
            try:
                text = self._decoder.decode(raw, final=self._is_over)
            except UnicodeDecodeError as error:
                raise UnreadableFileError(f"the file is not {self._encoding}: {error.reason}") from None
            self._ready = text.encode("utf-8", "surrogateescape")
        size = min(len(view), len(self._ready))
        view[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
