"""An endpoint that answers sends at once, or after a while, in a process of its own; far faster than any simulation.

`python -m tests.benchmarks.answering` says its address in a line, and runs until it is killed.
"""

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

_numbers = itertools.count()


class Endpoint(asyncio.Protocol):
    """One connection; each request says in its query for how many milliseconds it wants to wait."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport, self._received = cast("asyncio.Transport", transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0")
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            wait = int(head.partition(b"?wait=")[2].partition(b" ")[0] or b"0")
            if wait:
                asyncio.get_running_loop().call_later(wait / 1000, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        body = json.dumps({"processQueryKey": f"{next(_numbers):044}"}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


@contextmanager
def answering() -> Iterator[str]:
    """Run the endpoint until the end, and yield its address."""
    command = [sys.executable, "-m", "tests.benchmarks.answering"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def _run() -> None:
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_run())
