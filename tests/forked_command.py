"""Programs in processes of their own that start at once: forked from one that has loaded all of the ledger.

A plain start costs half a second of processor, and tests start hundreds. What forks is a real process: its own pid,
streams, environment and session, and it dies of what kills processes. What happens before the command is loaded (the
locale, `python -I`, closed streams) is for tests that start an interpreter of their own.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).parent.parent
# As it is before any test has another one for itself, which goes when that test is over.
TEMPORARY = tempfile.gettempdir()
# What the commands load when they need it.
LOADED = (
    "ledger.parts",
    "ledger.dingtalk.client",
    "ledger.scheduler",
    "ledger.entrypoints.agents.application",
    "ledger.entrypoints.agents.server",
    "ledger.entrypoints.agents.stdio",
    "ledger.entrypoints.cli",
    "ledger.entrypoints.gateway.application",
    "ledger.entrypoints.gateway.server",
    "ledger.entrypoints.service.application",
    "ledger.entrypoints.http.server",
    "httpcore",
    "rich.progress",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
)
Stream = int | IO[Any]


class ForkedCommand:
    """A program, the command `ledger` or another, that runs, with what subprocess.Popen offers."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str],
        stdin: Stream,
        stdout: Stream,
        stderr: Stream,
        start_new_session: bool = False,
        program: str = "ledger",
        most_bytes: int | None = None,
        address: str | None = None,
    ) -> None:
        """Start `python -m PROGRAM WORDS`, with three open files as its streams, by whoever listens at an address.

        It may write no file longer than `most_bytes`.
        """
        order = {
            "program": program,
            "words": list(words),
            "env": dict(env),
            "folder": str(Path.cwd()),
            "alone": start_new_session,
            "most_bytes": most_bytes,
        }
        streams = [one if isinstance(one, int) else one.fileno() for one in (stdin, stdout, stderr)]
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(address or _address())
        body = json.dumps(order).encode()
        # Streams may come with the first byte only.
        socket.send_fds(self._line, [len(body).to_bytes(4, "big")], streams)
        self._line.sendall(body)
        self.pid = int.from_bytes(_read(self._line, 4), "big")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has; subprocess.TimeoutExpired is raised when that takes longer."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("ledger", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = int.from_bytes(_read(self._line, 4), "big", signed=True)
            except (BlockingIOError, TimeoutError):
                return None
            self._line.close()
        return self.returncode


def run(words: Sequence[str], *, env: Mapping[str, str], stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end, without a terminal."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        command = ForkedCommand(words, env=env, stdin=given, stdout=out, stderr=err)
        try:
            code = command.wait(60)
        finally:
            command.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(words), code, out.read(), err.read())


def write_stand_in(path: Path) -> None:
    """Write a program that stands in for the command in a script of the shell."""
    path.write_text(
        f"#!{sys.executable} -IS\n"
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.forked_command import stand_in\n"
        f"stand_in({_address()!r})\n"
    )
    path.chmod(0o755)


def stand_in(address: str) -> NoReturn:
    """Run the command that this process was started for, and end as it does."""
    passed_on = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # The command may say that it is there before it is known here whom a signal is for.
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
    command = ForkedCommand(sys.argv[1:], env=os.environ, stdin=0, stdout=1, stderr=2, address=address)
    for number in passed_on:
        signal.signal(number, lambda sent, _: os.kill(command.pid, sent))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    code = command.wait()
    if code < 0:
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


@cache
def _address() -> str:
    """Start the process that forks, and return where it listens; it ends with this one."""
    folder = tempfile.TemporaryDirectory(prefix="ledger-fork-", dir=TEMPORARY)
    atexit.register(folder.cleanup)
    address = f"{folder.name}/socket"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forked_command", address],
        cwd=ROOT,
        env=clean,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    atexit.register(server.wait)
    atexit.register(server.stdin.close)
    assert server.stdout.read(1) == b"."
    server.stdout.close()
    return address


def _read(line: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        more = line.recv(count - len(read))
        if not more:
            raise EOFError("the process that forks is gone")
        read += more
    return read


def _load() -> None:
    """Load all that commands load, and do once what they do."""
    from ledger import services
    from ledger.entrypoints.cli import commands
    from tests.rehearsal import rehearse

    for name in LOADED:
        # Whoever has not installed an extra yet runs all tests but its own.
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    for package in (services, commands):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    rehearse()
    # What is never looked at stays shared with every process that is forked.
    gc.collect()
    gc.freeze()


def _wait_for_order(address: str) -> dict[str, Any]:
    """Listen until this process ends; return, in a new one, what it is to do."""
    _load()
    # A Ctrl-C in the terminal is for the tests, and for whom they hand it on to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    os.write(1, b".")
    running: dict[int, socket.socket] = {}
    end = sys.stdin.buffer
    while True:
        ready, _, _ = select.select([listener, end, ended], [], [])
        if end in ready:
            os._exit(0)
        if ended in ready:
            os.read(ended, 1024)
            _say_who_ended(running)
        if listener in ready:
            line, _ = listener.accept()
            try:
                order, streams = _read_order(line)
            except (EOFError, OSError):
                # Whoever wanted something is gone.
                line.close()
                continue
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for held in (listener, line, *running.values()):
                    held.close()
                _take(streams, ended, tell)
                return order
            for stream in streams:
                os.close(stream)
            running[pid] = line
            # Who started it may be gone before it hears of it.
            with suppress(OSError):
                line.sendall(pid.to_bytes(4, "big"))


def _read_order(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return what somebody wants run, and its three streams."""
    size, streams, _, _ = socket.recv_fds(line, 4, 3)
    order: dict[str, Any] = json.loads(_read(line, int.from_bytes(size, "big")))
    return order, streams


def _take(streams: list[int], *others: int) -> None:
    """Make three files the streams of this process, and close all else that it inherited."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, max(*streams, *others) + 1)


def _say_who_ended(running: dict[int, socket.socket]) -> None:
    """Tell whoever started a process that ended how it did; nobody may be there any more."""
    for pid in list(running):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            with running.pop(pid) as line, suppress(OSError):
                line.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))


def _become(order: dict[str, Any]) -> None:
    """Be as a process that was started for this, and run the program."""
    if order["alone"]:
        os.setsid()
    if order["most_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["most_bytes"], order["most_bytes"]))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    time.tzset()
    # It has a temporary folder of its own to find.
    tempfile.tempdir = None
    sys.argv = ["", *order["words"]]
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    try:
        runpy.run_module(order["program"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code is not None and not isinstance(ended.code, int):
            raise
        _end(ended.code or 0)
    _end(0)


def _end(code: int) -> NoReturn:
    """End as Python does, but leave what is loaded to the system: to take it down takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            # What Python says of streams that take nothing any more.
            code = 120
    os._exit(code & 0xFF)


if __name__ == "__main__":
    _become(_wait_for_order(sys.argv[1]))
