"""The command `ledger gateway`: where it refuses to start, and that it takes nobody's place."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    ours = {f"LEDGER_{name.upper()}": value for name, value in settings.items()}
    environment = {**clean, "LEDGER_DATABASE_URL": f"sqlite:///{folder / 'ledger.sqlite'}", **ours}
    command = [sys.executable, "-m", "ledger", "gateway", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (["--host", "0.0.0.0"], {}, "LEDGER_GATEWAY_KEY"),  # noqa: S104
        (["--port", "8477"], {"api_url": "http://127.0.0.1:8477"}, "this gateway itself"),
        (["--port", "8477"], {"api_url": "http://localhost:8477/"}, "this gateway itself"),
        (["--app", "nobody"], {}, "[apps.nobody]"),
        (["--host", "no.such.host.invalid"], {"gateway_key": "a-long-key"}, "cannot listen"),
    ],
)
def test_it_refuses_to_start_where_that_would_be_a_mistake(
    tmp_path: Path, words: list[str], settings: dict[str, str], message: str
) -> None:
    done = run(tmp_path, *words, **settings)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_does_not_share_an_address_that_is_taken(tmp_path: Path, workers: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(tmp_path, "--port", str(taken.getsockname()[1]), "--workers", workers)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
