"""The standard streams of a process as it finds them: closed, full, gone, or of an encoding that cannot hold a name."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TextIO

from ledger.errors import UnwritableFileError

_INPUT, _OUTPUT, _MESSAGES = 0, 1, 2

Given = ParamSpec("Given")


class Output(io.TextIOWrapper):
    """Standard output; what it does not take is an error of ours with a name, but a reader who left is none.

    What is written for somebody who has seen enough, as `head` has, goes nowhere: what a command does is done all the
    same. Only what does nothing but show ends then, with BrokenPipeError (`until_reader_leaves`).
    """

    ends_with_reader = False
    reader_has_left = False

    def write(self, text: str, /) -> int:
        """Write a text."""
        try:
            return super().write(text)
        except OSError as error:
            self._take(error)
        return len(text)

    def flush(self) -> None:
        """Write what waits."""
        try:
            super().flush()
        except OSError as error:
            self._take(error)

    def _take(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError):
            raise UnwritableFileError(
                f"the output cannot be written: {error.strerror or error}. Make room, and try again"
            ) from None
        if self.ends_with_reader:
            raise error
        self.reader_has_left = True
        _lead_nowhere(self)


class Messages(io.TextIOWrapper):
    """Standard error; what it does not take is lost, since there is nobody to tell."""

    def write(self, text: str, /) -> int:
        """Write a text."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits."""
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """Make the streams fit to be used: open, and UTF-8 whatever the locale says, since names may be Chinese.

    A stream that is closed leads nowhere. Its number must not stay free: the next file to be opened would get it, and
    everything that is said would go into that.
    """
    for number in (_INPUT, _OUTPUT, _MESSAGES):
        _open_if_closed(number)
    sys.stdin = sys.stdin or _on(_INPUT, io.TextIOWrapper)
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _on(_OUTPUT, Output, sys.stdout)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _on(_MESSAGES, Messages, sys.stderr)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def abandon() -> None:
    """Let what is still buffered for a reader who has gone away go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, UnwritableFileError):
            _lead_nowhere(stream)


def until_reader_leaves(show: Callable[Given, None]) -> Callable[Given, None]:
    """Let a function that only shows end with BrokenPipeError once nobody reads: a list may be long, or never end.

    One that has an exit code of its own to give is none of these: it would be lost.
    """

    @wraps(show)
    def shown(*args: Given.args, **kwargs: Given.kwargs) -> None:
        if isinstance(sys.stdout, Output):
            sys.stdout.ends_with_reader = True
        show(*args, **kwargs)

    return shown


def has_reader() -> bool:
    """Say whether somebody reads the standard output, as far as is known after what was written so far."""
    sys.stdout.flush()
    return not (isinstance(sys.stdout, Output) and sys.stdout.reader_has_left)


def as_meant(word: str) -> str:
    """Return an argument as UTF-8, which it is in all likelihood, also where the locale says something else."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        # The lowest free number is given: this one, since those before it are open by now.
        os.open(os.devnull, os.O_RDONLY if number == _INPUT else os.O_WRONLY)


def _on(number: int, kind: type[io.TextIOWrapper], before: TextIO | None = None) -> io.TextIOWrapper:
    """Return a stream on a file that is open, in place of another."""
    if not isinstance(before, io.TextIOWrapper):
        raw = io.FileIO(number, "r" if number == _INPUT else "w", closefd=False)
        return kind(io.BufferedReader(raw) if number == _INPUT else io.BufferedWriter(raw), encoding="utf-8")
    lines, is_direct = before.line_buffering, before.write_through
    return kind(before.detach(), encoding="utf-8", line_buffering=lines, write_through=is_direct)


def _lead_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
