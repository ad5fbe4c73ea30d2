"""`serve` and `token` as they are typed: the example of its page runs, and nothing starts for all without a token."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.clock import format_time
from ledger.simulator import Simulator
from tests.docs.pages import block_with

from .conftest import Running, Shell
from .terminal import on_terminal

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


def test_the_first_start_gives_a_token_and_a_link_that_signs_in_once(shell: Shell) -> None:
    import httpx

    with on_terminal(shell, "serve", "--port", "0", "--no-worker") as terminal:
        terminal.wait_for_pattern(r"\?once=\S+\r\n")
        (link,) = re.findall(r"^  (http://127\.0\.0\.1:\d+/sign-in\?once=\S+)\r$", terminal.shown, re.MULTILINE)
        (secret,) = re.findall(r"^  (ledger_\S+)\r$", terminal.shown, re.MULTILINE)
        address = link.partition("/sign-in")[0]
        with httpx.Client(base_url=address, follow_redirects=True) as browser, httpx.Client() as another:
            assert browser.get("/v1/campaigns").status_code == 401
            first_look = browser.get(link)
            assert (first_look.url.path, first_look.status_code) == ("/", 200)
            assert "tester" in first_look.text
            assert another.get(link).status_code == 401
            bearer = {"Authorization": f"Bearer {secret}"}
            assert another.get(f"{address}/v1/campaigns", headers=bearer).status_code == 200
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 0
    (token,) = shell("token", "list", "--json").json
    assert (token["name"], token["role"], token["created_by"]) == ("tester", "admin", "tester")
    with on_terminal(shell, "serve", "--port", "0", "--no-worker") as terminal:
        terminal.wait_for_pattern(r"listening on (\S+),")
        # Once it answers, all was said that there is to say.
        address = re.findall(r"listening on (\S+),", terminal.shown)[0]
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert "ledger_" not in terminal.shown
        assert "sign-in" not in terminal.shown


def test_a_link_is_of_the_public_address_and_no_log_line_has_a_secret(shell: Shell) -> None:
    shell.variables["LEDGER_PUBLIC_URL"] = "https://ledger.example.com"
    out = shell.folder / "out"
    with out.open("wb") as stdout, shell.running("serve", "--port", "0", "--log-format", "json", out=stdout) as service:
        service.wait_until(lambda: "https://ledger.example.com/sign-in?once=" in out.read_text())
        lines = [json.loads(line) for line in service.message().splitlines()]
    assert lines
    assert not re.search(r"ledger_\w|once=", service.message())


def test_scripts_that_made_a_token_before_get_no_other(shell: Shell) -> None:
    import httpx

    shell("token", "create", "--name", "mailer", "--role", "recorder")
    shell("token", "revoke", "--name", "mailer")
    with shell.running("serve", "--port", "0", "--no-worker") as service:
        assert httpx.get(f"http://127.0.0.1:{port_of(service)}/healthz").status_code == 200
    assert [token["name"] for token in shell("token", "list", "--json").json] == ["mailer"]


def test_a_start_that_fails_makes_no_token(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert shell.real("serve", "--port", str(taken.getsockname()[1])).code == 2
    assert shell("token", "list", "--json").json == []


def test_a_database_that_is_away_at_the_first_start_is_said_and_lets_nobody_in(shell: Shell) -> None:
    import httpx

    database = Path(shell.environment["LEDGER_DATABASE_URL"].partition("///")[2])
    database.write_text("this is no database" * 100)
    shell.variables["LEDGER_DATABASE_PATIENCE_SECONDS"] = "0"
    with shell.running("serve", "--port", "0", "--no-worker") as service:
        service.wait_for("no token could be made (the database")
        service.wait_for("`ledger token create --name NAME --role admin`")
        assert httpx.get(f"http://127.0.0.1:{port_of(service)}/v1/campaigns").status_code in (401, 503)


def test_no_auth_is_loud_and_lasts_until_there_is_a_token(shell: Shell) -> None:
    import httpx

    with shell.running("serve", "--port", "0", "--no-worker", "--no-auth") as service:
        address = f"http://127.0.0.1:{port_of(service)}"
        assert "WARNING" in service.message()
        assert "whoever can open a connection on this machine may recall" in service.message()
        assert "Nobody has to sign in here" in httpx.get(f"{address}/", headers={"Accept": "text/html"}).text
        assert httpx.get(f"{address}/v1/campaigns").status_code == 200
        assert shell("token", "list", "--json").json == []
        shell("token", "create", "--name", "wang", "--role", "operator")
        assert httpx.get(f"{address}/v1/campaigns").status_code == 401


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--host", EVERYWHERE), {}),
        ((), {"LEDGER_PUBLIC_URL": "https://ledger.example.com"}),
        ((), {"LEDGER_ALLOWED_HOSTS": "ledger.example.com"}),
    ],
)
def test_no_auth_is_refused_where_others_ask(
    shell: Shell, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    shell.variables.update(variables)
    ended = shell.real("serve", "--port", "0", "--no-auth", *arguments)
    assert (ended.code, "for this machine alone" in ended.err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_stops_when_told_although_somebody_watches(
    shell: Shell, simulator: Simulator, number: signal.Signals
) -> None:
    import httpx

    shell.send(simulator, 1, campaign="c")
    shell("recall", "--reason", "typo", "--campaign", "c", "--dry-run", "--json")
    with shell.running("serve", "--port", "0", "--no-worker", "--no-auth") as service:
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
    open_here = ["--no-auth"] if host != EVERYWHERE else []
    with shell.running("serve", "--port", "0", "--host", host, *open_here) as service:
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
