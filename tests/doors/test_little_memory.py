"""18 MB of nothing, handed to a service in a process of its own: quickly answered, in little memory."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

SIZE_BYTES = 18_000_000
MEMORY_MAX_MIB = 200
SECONDS_MAX = 10


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address of a service, and its process: one for all of them, so that none may leave much behind."""
    folder = tmp_path_factory.mktemp("little-memory")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    environment = {**clean, "LEDGER_DATABASE_URL": f"sqlite:///{folder / 'ledger.sqlite'}"}
    command = [sys.executable, "-m", "ledger", "serve", "--port", "0", "--no-auth"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+(?=,)", line) for line in process.stderr)))
        try:
            yield found[0], process.pid
        finally:
            process.terminate()
            process.stderr.read()


def most_memory_mib(process: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.xdist_group("little memory")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory was in use at most")
@pytest.mark.parametrize(
    ("kind", "start", "piece", "end", "status"),
    [
        ("application/json", b"[{}", b",{}", b"]", 413),
        ("application/json", b"[[{}", b",{}", b"]]", 400),
        ("application/json", b'{"userIds":[{}', b",{}", b"]}", 400),
        ("application/json", b"{}", b"{}", b"", 400),
        ("application/json", b"[{}", b"\n", b"]", 422),
        ("application/x-ndjson", b"{}", b"\n{}", b"", 413),
        ("application/x-ndjson", b"{}", b"\n", b"", 413),
        ("text/csv", b"processQueryKey,robotCode", b"\n,", b"", 413),
        (
            "text/csv",
            b"processQueryKey,robotCode",
            b"\n,robot-of-a-row-without-a-key-that-is-as-long-as-this",
            b"",
            413,
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_much_of_nothing_is_refused_quickly_in_little_memory(
    service: tuple[str, int], kind: str, start: bytes, piece: bytes, end: bytes, status: int
) -> None:
    url, process = service
    body = start + piece * (SIZE_BYTES // len(piece)) + end
    started = time.monotonic()
    answer = httpx.post(f"{url}/v1/messages", content=body, headers={"content-type": kind}, timeout=60)
    seconds = time.monotonic() - started
    print(f"{seconds:.2f} s, {most_memory_mib(process)} MiB")  # noqa: T201
    assert answer.status_code == status, answer.text[:300]
    assert seconds < SECONDS_MAX
    assert most_memory_mib(process) < MEMORY_MAX_MIB
