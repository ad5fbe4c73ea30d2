"""A real pgbouncer in transaction mode before a real PostgreSQL: each transaction may be on another connection."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL, make_url

# Fewer than there are clients, so that they share them all the time. A plan reads on one while it writes on another.
CONNECTIONS = 4
PATIENCE_SECONDS = 30.0
# Read now: tests run without settings of the person who runs them.
IS_REQUIRED = os.environ.get("LEDGER_TEST_PGBOUNCER") == "required"
NOBODY = 65534


@contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """Start a pooler before the server of a database, and yield the URL through it; skip where there is none."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if IS_REQUIRED:
            pytest.fail("pgbouncer is required here (LEDGER_TEST_PGBOUNCER) and not installed")
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    port, direct = free_port(), make_url(url)
    pooled = direct.set(drivername="postgresql", host="127.0.0.1", port=port, query={})
    through = pooled.render_as_string(hide_password=False)
    # Not in the folder of the test, which only its own user may enter.
    with tempfile.TemporaryDirectory(prefix="ledger-pgbouncer-", dir=tempfile.gettempdir()) as name:
        file = Path(name) / "pgbouncer.ini"
        file.write_text(_configuration(direct, port))
        file.parent.chmod(0o755)
        with _running([*_as_its_user(direct), program, str(file)], through):
            yield through


@contextmanager
def _running(command: list[str], url: str) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > until:
                    process.kill()
                    pytest.fail(f"pgbouncer does not answer: {process.communicate()[1]}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _as_its_user(direct: URL) -> list[str]:
    """Return what comes before the command: it refuses to be root, and a socket may be there for one user alone."""
    if os.getuid() != 0:
        return []
    folder = Path(str(direct.query.get("host", "/nowhere")))
    owner = folder.stat().st_uid if folder.is_dir() else 0
    return ["setpriv", f"--reuid={owner or NOBODY}", "--clear-groups"]


def _configuration(direct: URL, port: int) -> str:
    server = f"host={direct.host or direct.query['host']} port={direct.port or 5432} user={direct.username}"
    return f"""
[databases]
* = {server}{f" password={direct.password}" if direct.password else ""}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {CONNECTIONS}
max_client_conn = 500
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
