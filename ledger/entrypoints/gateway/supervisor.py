"""Several gateway processes on one address: started together, replaced when one dies, stopped together."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from socket import socket
from typing import Self

from ledger.entrypoints.process.logs import LogFormat, LogLevel

START_AGAIN_SECONDS = 1.0
LOOK_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What a gateway process is told beside the settings."""

    app: str | None = None
    log_format: LogFormat = LogFormat.TEXT
    log_level: LogLevel = LogLevel.INFO
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `write` wrote."""
        message = json.loads(text)
        forms = {"log_format": LogFormat(message["log_format"]), "log_level": LogLevel(message["log_level"])}
        return cls(**{**message, **forms})

    def write(self) -> str:
        """Write them down for another process."""
        return json.dumps(asdict(self))

    def of_place(self, number: int) -> Self:
        """Return the orders of one of several processes: each serves metrics at a port of its own."""
        return self if not self.metrics_port else replace(self, metrics_port=self.metrics_port + number)


class Supervisor:
    """One process for each listening socket. The sockets stay open here: what knocks while one is replaced waits."""

    def __init__(self, listeners: Sequence[socket], orders: WorkerOptions) -> None:
        self._listeners, self._orders = listeners, orders
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, is_over: Callable[[], bool], patience_seconds: float) -> int:
        """Keep the processes alive until it is over, then let each finish; return an exit code."""
        try:
            self._processes = [self._start(place) for place in range(len(self._listeners))]
            while not is_over():
                for place, process in enumerate(self._processes):
                    code = process.poll()
                    if code is not None and code > 0:  # it has said why, and would do so again
                        return code
                    if code is not None and not is_over():
                        log.warning("gateway process %s is gone (%s): another takes its place", process.pid, code)
                        time.sleep(START_AGAIN_SECONDS)
                        self._processes[place] = self._start(place)
                time.sleep(LOOK_SECONDS)
            return 0
        finally:
            self._stop(patience_seconds)

    def _start(self, place: int) -> subprocess.Popen[bytes]:
        descriptor = self._listeners[place].fileno()
        words = [self._orders.of_place(place).write(), str(descriptor)]
        # Their standard input ends when this process does, however it does.
        return subprocess.Popen(  # noqa: S603  (our own)
            [sys.executable, "-m", "ledger.entrypoints.gateway", *words], stdin=subprocess.PIPE, pass_fds=[descriptor]
        )

    def _stop(self, patience_seconds: float) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        until = time.monotonic() + patience_seconds
        for process in self._processes:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error(
                    "gateway process %s does not end: it is killed, and its journal is replayed later", process.pid
                )
                process.kill()
                process.wait()
