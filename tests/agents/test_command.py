"""`ledger mcp` as a process: its output is the protocol's alone; it ends when its client leaves or a signal comes."""

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from ledger.entrypoints.cli.commands import mcp as command
from ledger.entrypoints.process.exits import Code
from tests.cli.conftest import Shell
from tests.forked_command import ForkedCommand

from .conftest import over_http, started, talking
from .test_access import HELLO, LIST

READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@pytest.fixture
def shell(tmp_path: Path, sqlite_template: Path) -> Shell:
    """The command, whose DingTalk nobody asks."""
    shutil.copy(sqlite_template, tmp_path / "ledger.sqlite")
    return Shell(tmp_path, "http://127.0.0.1:1")


class Pipes:
    """A process that runs, with what it is told and what it says."""

    def __init__(self, process: ForkedCommand, given: IO[bytes], said: IO[bytes], heard: Path) -> None:
        self.process, self._given, self._said, self._heard = process, given, said, heard

    def tell(self, *messages: Any) -> None:
        """Write lines: JSON values, or bytes as they are."""
        for one in messages:
            self._given.write(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n")
        self._given.flush()

    def answer(self) -> dict[str, Any]:
        """Return the next line that it says, which has to be the protocol's."""
        answer = json.loads(self._said.readline())
        assert answer["jsonrpc"] == "2.0"
        assert isinstance(answer, dict)
        return answer

    def leave(self) -> tuple[int, bytes, str]:
        """Close what it reads; return how it ended, and what else it said and logged."""
        self._given.close()
        return self.ended()

    def ended(self) -> tuple[int, bytes, str]:
        """Return how it ended, and what else it said and logged."""
        return self.process.wait(30), self._said.read(), self._heard.read_text()


@contextmanager
def running(shell: Shell, *options: str) -> Iterator[Pipes]:
    """Start `ledger mcp` on pipes."""
    heard = shell.folder / "heard"
    own, given = os.pipe()
    said, theirs = os.pipe()
    with heard.open("wb") as err, os.fdopen(given, "wb", buffering=0) as writing, os.fdopen(said, "rb") as reading:
        process = ForkedCommand(["mcp", *options], env=shell.environment, stdin=own, stdout=theirs, stderr=err)
        os.close(own)
        os.close(theirs)
        try:
            yield Pipes(process, writing, reading, heard)
        finally:
            process.kill()
            process.wait()


def test_what_stands_on_standard_output_is_the_protocols_and_the_end_of_input_ends_it(shell: Shell) -> None:
    with running(shell) as pipes:
        pipes.tell(HELLO)
        assert pipes.answer()["result"]["serverInfo"]["name"] == "recall-ledger"
        pipes.tell(READY, LIST)
        assert len(pipes.answer()["result"]["tools"]) == 8
        code, rest, heard = pipes.leave()
    assert (code, rest) == (0, b"")
    assert "answering a client" in heard
    assert "stopped: what was under way is written down" in heard


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_it_although_its_client_says_nothing(shell: Shell, number: signal.Signals) -> None:
    with running(shell) as pipes:
        pipes.tell(HELLO)
        pipes.answer()
        pipes.process.send_signal(number)
        code, rest, heard = pipes.ended()
    assert (code, rest) == (0, b"")
    assert "Traceback" not in heard


def test_lines_that_are_no_calls_break_nothing(shell: Shell) -> None:
    with running(shell) as pipes:
        pipes.tell(HELLO)
        pipes.answer()
        pipes.tell(READY, b"{\n", b"\xff\xfe\n", b"\n", b"[]\n", b'{"jsonrpc": "2.0"}\n', LIST)
        while (answer := pipes.answer()).get("id") != 2:
            assert "error" in answer
        assert len(answer["result"]["tools"]) == 8
        assert pipes.leave()[0] == 0


def test_a_line_that_never_ends_is_not_kept(shell: Shell) -> None:
    shell.variables["LEDGER_REQUEST_MAX_BYTES"] = "100000"
    with running(shell) as pipes:
        pipes.tell(HELLO)
        pipes.answer()
        # It may well be gone before it has all of it.
        with suppress(BrokenPipeError):
            pipes.tell(b"x" * 200_000)
        code, _, heard = pipes.ended()
    assert code == 0
    assert "a line has more than 100,000 bytes" in heard


def test_a_client_that_takes_nothing_any_more_is_no_error(shell: Shell) -> None:
    with running(shell) as pipes:
        pipes.tell(HELLO)
        pipes.answer()
        pipes._said.close()
        pipes.tell(READY, LIST)
        pipes._given.close()
        assert pipes.process.wait(30) == 0
        assert "Traceback" not in (shell.folder / "heard").read_text()


def test_once_there_is_a_token_an_agent_shows_one(shell: Shell) -> None:
    secret = json.loads(shell("token", "create", "--name", "alice", "--role", "operator", "--json").out)["secret"]
    with talking(started(shell.folder, shell.environment)) as agent:
        said = agent("campaigns")
        assert (said.code, "LEDGER_TOKEN" in said.texts[0]) == ("unauthenticated", True)
    shown = shell.folder / "token"
    shown.write_text(f"{secret}\n")
    with talking(started(shell.folder, shell.environment, "--token-file", str(shown))) as agent:
        plan = agent("plan_recall", campaigns=["spring"], reason="x").data
        assert agent("progress", recall_id=plan["plan_id"]).data["rows"][0]["actor"] == "alice via agent claude-code"
        assert shell("token", "revoke", "--name", "alice").code == 0
        assert agent("campaigns").code == "unauthenticated"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--token-file", "-"), "what stands on standard input is the client's here"),
        (("--token-file", "/nowhere"), "the token cannot be read from /nowhere"),
        (("--http", "--actor", "x"), "each client brings a token of its own"),
        (("--http",), "agents come in with a token, and there is none"),
        (("--http", "--host", "0.0.0.0"), "agents come in with a token, and there is none"),  # noqa: S104
    ],
)
def test_what_cannot_be_meant_is_said_in_one_sentence(shell: Shell, options: tuple[str, ...], message: str) -> None:
    ended = shell("mcp", *options)
    assert (ended.code, message in ended.err, ended.out) == (2, True, "")


def test_without_its_library_the_command_says_how_to_install_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    ended = shell("mcp")
    assert (ended.code, ended.err.count("\n")) == (Code.WRONG_USAGE, 1)
    assert "pip install 'dingtalk-ledger[mcp]'" in ended.err


def test_over_http_a_client_with_a_token_is_answered_and_a_signal_ends_it(shell: Shell) -> None:
    secret = json.loads(shell("token", "create", "--name", "alice", "--role", "operator", "--json").out)["secret"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with shell.running("mcp", "--http", "--port", str(port)) as server:
        server.wait_for("listening on")
        with talking(over_http(f"http://127.0.0.1:{port}/mcp", secret)) as agent:
            assert agent("campaigns").data["rows"] == []
        server.process.terminate()
        assert server.process.wait(30) == 0
    assert command.PORT == 8402
