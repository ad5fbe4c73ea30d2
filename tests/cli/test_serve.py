"""`serve` and `token` as they are typed: the example of its page runs, and nothing starts for all without a token."""

import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.clock import format_time
from ledger.simulator import Simulator
from tests.docs.pages import block_with

from .conftest import Running, Shell

EVERYWHERE = "0.0.0.0"  # noqa: S104  (it must not be listened on)


def port_of(running: Running) -> str:
    running.wait_for("listening on http://127.0.0.1:")
    found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", running.message())
    assert found is not None
    return found[1]


def test_the_example_of_the_page_records_a_message(shell: Shell) -> None:
    if shutil.which("curl") is None:
        pytest.skip("this machine has no curl")
    example = block_with("curl", "/v1/messages").text
    with shell.running("serve", "--port", "0") as service:
        script = example.replace("8400", port_of(service))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env=shell.environment | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert '"recorded":1' in done.stdout
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
    assert shell("campaigns", "--json").json[0]["campaign"] == "spring"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_stops_when_told_although_somebody_watches(
    shell: Shell, simulator: Simulator, number: signal.Signals
) -> None:
    import httpx

    shell.send(simulator, 1, campaign="c")
    shell("recall", "--reason", "typo", "--campaign", "c", "--dry-run", "--json")
    with shell.running("serve", "--port", "0", "--no-worker") as service:
        address = f"http://127.0.0.1:{port_of(service)}/v1/recalls/1/events"
        with httpx.stream("GET", address, timeout=20) as events:
            lines = events.iter_lines()
            assert any(line.startswith("data: ") for line in lines)
            service.process.send_signal(number)
            assert service.process.wait(15) == 0


def test_off_this_machine_it_does_not_start_without_a_token(shell: Shell) -> None:
    ended = shell.real("serve", "--host", EVERYWHERE, "--port", "0")
    assert ended.code == 2
    assert "ledger token create" in ended.err
    shell("token", "create", "--name", "wang", "--role", "admin")
    shell("token", "revoke", "--name", "wang")
    assert shell.real("serve", "--host", EVERYWHERE, "--port", "0").code == 2


def test_a_taken_port_is_said_in_one_line(shell: Shell) -> None:
    with shell.running("serve", "--port", "0", "--no-worker") as first:
        ended = shell.real("serve", "--port", port_of(first))
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "cannot listen" in ended.err


def test_a_token_is_shown_once_listed_and_revoked(shell: Shell) -> None:
    made = shell("token", "create", "--name", "wang", "--role", "operator", "--robot", "r1", "--robot", "r2")
    secret = made.out.strip()
    assert (made.code, secret.startswith("ledger_"), len(secret) > 40) == (0, True, True)
    twice = shell("token", "create", "--name", "wang", "--role", "admin")
    assert (twice.code, "works already" in twice.err) == (2, True)
    listed = shell("token", "list")
    assert "wang: operator, robots r1, r2" in listed.out
    assert secret not in listed.out
    (token,) = shell("token", "list", "--json").json
    assert (token["prefix"], token["created_by"], token["revoked_at"]) == (secret[:12], "tester", None)
    assert shell("token", "revoke", "--name", "wang").code == 0
    assert shell("token", "revoke", "--name", "wang").code == 2
    assert shell("token", "create", "--name", "wang", "--role", "auditor", "--json").json["role"] == "auditor"


@pytest.mark.parametrize("arguments", [("--role", "king"), ("--role", "admin", "--name", " "), ("--name", "x")])
def test_a_token_that_makes_no_sense_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell("token", "create", *arguments).code == 2


@pytest.mark.parametrize("host", ["127.0.0.1", EVERYWHERE])
def test_the_service_starts_while_the_database_is_away_and_takes_in_what_is_handed_to_it(
    shell: Shell, host: str
) -> None:
    import httpx

    database = Path(shell.environment["LEDGER_DATABASE_URL"].partition("///")[2])
    database.write_text("this is no database" * 100)
    row = {"processQueryKey": "k", "robotCode": "r", "sentAt": format_time(datetime.now(UTC))}
    shell.variables["LEDGER_DATABASE_PATIENCE_SECONDS"] = "1"
    with shell.running("serve", "--port", "0", "--host", host) as service:
        service.wait_for("listening on ")
        found = re.search(r"listening on http://[\d.]+:(\d+)", service.message())
        assert found is not None
        address = f"http://127.0.0.1:{found[1]}"
        assert httpx.get(f"{address}/readyz").status_code == 503
        service.wait_for("not a database")
        answer = httpx.post(f"{address}/v1/messages", json=[row], timeout=40)
        if host == EVERYWHERE:
            assert answer.status_code in (401, 503), "nobody is let in whom nobody can know"
            return
        assert (answer.status_code, answer.json()["spooled"]) == (200, 1)
        assert httpx.get(f"{address}/v1/campaigns", timeout=40).status_code == 503
        database.unlink()
        service.wait_until(lambda: httpx.get(f"{address}/readyz").status_code == 200)
        (line,) = httpx.get(f"{address}/v1/campaigns").json()
        assert line["messages"] == 1
        told = service.message()
        assert told.count("the worker starts again") == 1
        assert "Traceback" not in told
