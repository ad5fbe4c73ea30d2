"""A line to DingTalk on which connecting takes its time, as over TLS and far away: a process beside the run.

`python -m tests.benchmarks.distance PORT SECONDS` prints the port that it listens on, and runs until it is killed.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PIECE = 65_536


@contextmanager
def far_away(url: str, connecting_seconds: float) -> Iterator[str]:
    """Yield a URL of what is at another, to which connecting takes longer; the same where it takes no time."""
    if not connecting_seconds:
        yield url
        return
    host, _, port = url.rpartition(":")
    command = [sys.executable, "-m", "tests.benchmarks.distance", port, str(connecting_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"{host}:{process.stdout.readline().strip()}"
        finally:
            process.kill()


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE):
        sink.write(piece)
    sink.close()


async def _serve(port: int, seconds: float) -> None:
    async def connect(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        far_in, far_out = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(near_in, far_out), _pass_on(far_in, near_out))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
