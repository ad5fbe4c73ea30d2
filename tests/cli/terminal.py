"""A pseudo-terminal for the command: what it shows there, and what is typed."""

import os
import pty
import re
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .conftest import Shell, StartedCommand


class Terminal:
    """A command on a pseudo-terminal: what it shows, and what is typed."""

    def __init__(self, process: StartedCommand, master: int) -> None:
        self.process, self._master, self.shown = process, master, ""

    def wait_for(self, text: str, seconds: float = 20.0) -> None:
        """Read until some text has been shown."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, f"{text!r} was not shown: {self.shown!r}"
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._master, 65536).decode(errors="replace")
                except OSError:
                    assert text in self.shown, self.shown
                    return

    def wait_for_pattern(self, pattern: str, seconds: float = 20.0) -> None:
        """Read until something has been shown that fits a pattern."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.shown):
            assert time.monotonic() < end, f"{pattern!r} was not shown: {self.shown!r}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.shown += os.read(self._master, 65536).decode(errors="replace")

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, text.encode() + b"\n")

    def drain(self) -> None:
        """Read what is left of a command that has ended."""
        while select.select([self._master], [], [], 0)[0]:
            try:
                self.shown += os.read(self._master, 65536).decode(errors="replace")
            except OSError:
                return

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._master, 65536).decode(errors="replace")
                except OSError:
                    break
        return self.process.wait(10)


@contextmanager
def on_terminal(shell: Shell, *args: str) -> Iterator[Terminal]:
    """Run a command on a terminal of its own."""
    master, slave = pty.openpty()
    process = shell.start(*args, stream=slave, TERM="xterm-256color")
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
