"""Whoever reads the log may stop reading: nobody else notices, and no line that holds a key is left out."""

import fcntl
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from ledger.entrypoints.process import log_writer
from ledger.entrypoints.process.log_writer import LogWriter

PIPE_BYTES = 4096
REQUESTS = 60


class Pipe:
    """A pipe that holds little, of which nobody reads before they are told to."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def read_line(self) -> str:
        """Return the next line."""
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self._reading, 1)
        return line.decode()

    def read_until(self, text: str) -> str:
        """Return what is read until a text has come."""
        read = b""
        while text.encode() not in read:
            read += os.read(self._reading, PIPE_BYTES)
        return read.decode()

    def close(self) -> None:
        """Close both ends."""
        for end in (self._reading, self.writing):
            with suppress(OSError):
                os.close(end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Give a pipe."""
    with closing(Pipe()) as made:
        yield made


def said(writer: LogWriter, weight: int, text: str) -> None:
    """Say a line."""
    writer.emit(logging.LogRecord("ledger", weight, __file__, 0, text, (), None))


def test_a_service_answers_while_nobody_reads_its_log_and_ends_when_it_is_told_to(pipe: Pipe, tmp_path: Path) -> None:
    environment = {**os.environ, "LEDGER_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite'}"}
    command = [sys.executable, "-m", "ledger", "serve", "--port", "0", "--no-worker", "--no-auth"]
    with subprocess.Popen(command, env=environment, stderr=pipe.writing, cwd=tmp_path) as process:
        while (found := re.search(r"listening on (\S+),", pipe.read_line())) is None:
            pass
        with httpx.Client(base_url=found[1], timeout=20, trust_env=False) as client:
            answers = [client.get("/v1/campaigns").status_code for _ in range(REQUESTS)]
        process.terminate()
        assert process.wait(20) == 0
    assert answers == [200] * REQUESTS


def test_lines_come_in_their_order_and_say_what_was_left_out_among_them(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MOST_WAITING", 100)
    monkeypatch.setattr(log_writer, "PATIENCE_SECONDS", 0.01)
    writer = LogWriter(pipe.writing)
    for number in range(1000):
        said(writer, logging.INFO, f"line {number:03} {'x' * 60}")
    said(writer, logging.CRITICAL, "NOT RECORDED: a key")
    read = pipe.read_until("NOT RECORDED")
    numbers = [int(one) for one in re.findall(r"line (\d+)", read)]
    assert numbers == sorted(numbers)
    assert 100 <= len(numbers) < 1000
    assert sum(map(int, re.findall(r"(\d+) lines were left out here", read))) == 1000 - len(numbers)
    writer.flush()
    said(writer, logging.INFO, "and on")
    assert pipe.read_until("and on")


def test_a_line_with_a_key_is_written_before_whoever_says_it_goes_on(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    said(writer, logging.CRITICAL, "NOT RECORDED: a key")
    assert pipe.read_line() == "NOT RECORDED: a key\n"


def test_a_process_that_was_forked_writes_lines_of_its_own(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    said(writer, logging.CRITICAL, "before")
    child = os.fork()
    if child == 0:
        said(writer, logging.CRITICAL, "in the child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert [pipe.read_line(), pipe.read_line()] == ["before\n", "in the child\n"]


def test_what_was_said_last_is_written_before_the_end(pipe: Pipe) -> None:
    program = (
        "import logging, sys; from ledger.entrypoints.process.logs import log_to_stderr; log_to_stderr();"
        "[logging.getLogger('ledger').info('line %s', n) for n in range(50)]"
    )
    reader = threading.Thread(target=lambda: lines.append(pipe.read_until("line 49")))
    lines: list[str] = []
    reader.start()
    subprocess.run([sys.executable, "-c", program], stderr=pipe.writing, check=True)
    reader.join(20)
    assert lines
    assert lines[0].count("line ") == 50
