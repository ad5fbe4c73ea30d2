"""Proxies and certificates of the environment, with real ones: what goes through, what goes straight, what pauses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.simulator import Simulator
from tests.proxies import Address, Proxy, http_proxy, page, socks_proxy, tls_front

from .conftest import Ended, Shell

HOST = "api.dingtalk.test"
LOGIN = ("ann", "p@ss:/#%")
WRITTEN = "ann:p%40ss%3A%2F%23%25"


def address_of(simulator: Simulator) -> Address:
    return "127.0.0.1", int(simulator.url.rpartition(":")[2])


@pytest.fixture
def proxy(simulator: Simulator) -> Iterator[Proxy]:
    """A proxy of HTTP that leads to the pretend DingTalk, whatever name it is asked for."""
    with http_proxy(address_of(simulator)) as running:
        yield running


@pytest.fixture
def socks(simulator: Simulator) -> Iterator[Proxy]:
    """A proxy of SOCKS 5 that does the same."""
    with socks_proxy(address_of(simulator)) as running:
        yield running


def recall(shell: Shell, simulator: Simulator, **variables: str) -> Ended:
    """Recall two messages with the real command, in an environment."""
    shell.send(simulator, 2, campaign="spring")
    shell.variables |= {"LEDGER_API_URL": f"http://{HOST}", **variables}
    return shell.real("recall", "--campaign", "spring", "--reason", "typo", "--yes", "--json")


def check(shell: Shell, name: str) -> tuple[str, str]:
    """Return the level and the text of one check of the doctor."""
    (found,) = [one for one in shell.real("doctor", "--json").json["checks"] if one["name"] == name]
    return found["level"], found["found"]


def test_a_recall_goes_through_a_proxy_of_http(shell: Shell, simulator: Simulator, proxy: Proxy) -> None:
    proxy.login = LOGIN
    ended = recall(shell, simulator, HTTP_PROXY=proxy.url("http", WRITTEN) + "/")
    assert (ended.code, ended.json["recalled"]) == (0, 2), ended.err
    assert all(f"http://{HOST}/v1.0/" in asked for asked in proxy.asked)
    assert check(shell, "proxy") == ("ok", f"http://{HOST} through {proxy.url('http')} (HTTP_PROXY)")


def test_a_recall_goes_through_a_tunnel_to_a_company_that_has_its_own_ca(
    shell: Shell, simulator: Simulator, proxy: Proxy, tmp_path: Path
) -> None:
    with tls_front(address_of(simulator), HOST, tmp_path) as (address, ca):
        proxy.target = address
        shell.variables["HTTPS_PROXY"] = proxy.url("http")
        ended = recall(shell, simulator, LEDGER_API_URL=f"https://{HOST}")
        assert (ended.code, ended.json["status"]) == (5, "paused")
        assert f"the certificate of https://{HOST} is not trusted here" in ended.json["error"]["message"]
        assert "SSL_CERT_FILE" in ended.json["error"]["message"]
        shell.variables["SSL_CERT_FILE"] = str(ca)
        ended = shell.real("resume", "--json")
        assert (ended.code, ended.json["recalled"]) == (0, 2), ended.err
    assert set(proxy.asked) == {f"CONNECT {HOST}:443"}


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_a_recall_goes_through_a_proxy_of_socks_which_looks_names_up(
    shell: Shell, simulator: Simulator, socks: Proxy, scheme: str
) -> None:
    socks.login = LOGIN
    ended = recall(shell, simulator, ALL_PROXY=socks.url(scheme, WRITTEN))
    assert (ended.code, ended.json["recalled"]) == (0, 2), ended.err
    assert set(socks.asked) == {f"{HOST}:80"}


@pytest.mark.usefixtures("quick_demo")
def test_this_machine_and_the_demonstration_use_no_proxy(shell: Shell, simulator: Simulator, proxy: Proxy) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        shell.variables[name] = proxy.url("http")
    ended = recall(shell, simulator, LEDGER_API_URL=simulator.url)
    assert (ended.code, ended.json["recalled"]) == (0, 2), ended.err
    assert shell("demo").code == 0
    assert proxy.asked == []
    assert check(shell, "proxy") == ("ok", "none: DingTalk is asked straight")


@pytest.mark.parametrize("login", ["", "ann:wrong-s3cr3t"])
@pytest.mark.parametrize("kind", ["http", "tunnel", "socks"])
def test_a_proxy_that_wants_another_login_pauses_the_recall(
    shell: Shell, simulator: Simulator, proxy: Proxy, socks: Proxy, kind: str, login: str
) -> None:
    one = socks if kind == "socks" else proxy
    one.login = LOGIN
    variables = {
        "http": {"HTTP_PROXY": one.url("http", login)},
        "tunnel": {"HTTPS_PROXY": one.url("http", login), "LEDGER_API_URL": f"https://{HOST}"},
        "socks": {"ALL_PROXY": one.url("socks5", login)},
    }[kind]
    ended = recall(shell, simulator, **variables)
    assert (ended.code, ended.json["status"], ended.json["pending"]) == (5, "paused", 2)
    address = one.url("socks5" if kind == "socks" else "http")
    assert f"the proxy {address} does not let calls through" in ended.json["error"]["message"]
    assert "wrong-s3cr3t" not in ended.out + ended.err
    level, found = check(shell, "credentials")
    assert level == "failed"
    assert f"the proxy {address}" in found


@pytest.mark.parametrize(
    "answer",
    [
        page("Sign in to the guest network"),
        page("Sign in to the guest network", "403 Forbidden"),
        page("Sign in to the guest network", "511 Network Authentication Required"),
        page("Sign in to the guest network", "302 Found\r\nLocation: http://login.corp/"),
    ],
)
def test_a_page_to_sign_in_pauses_the_recall(shell: Shell, simulator: Simulator, proxy: Proxy, answer: bytes) -> None:
    proxy.answers = answer
    ended = recall(shell, simulator, HTTP_PROXY=proxy.url("http"))
    assert (ended.code, ended.json["status"]) == (5, "paused")
    for part in ("the proxy http://127.0.0.1:", "Sign in to the guest network", "NO_PROXY", "`ledger resume`"):
        assert part in ended.json["error"]["message"]


def test_what_cannot_be_read_is_left_out_with_one_warning(shell: Shell, simulator: Simulator, proxy: Proxy) -> None:
    exempt = "fd00::/8, 10.0.0.0/99 ann:s3cr3t@x:y"
    ended = recall(shell, simulator, HTTP_PROXY=proxy.url("http"), HTTPS_PROXY="http://u:s3cr3t#@p", NO_PROXY=exempt)
    assert (ended.code, ended.json["recalled"]) == (0, 2), ended.err
    for once in ("HTTPS_PROXY is left out", "'10.0.0.0/99' of NO_PROXY", "'x:y' of NO_PROXY"):
        assert ended.err.count(once) == 1
    assert "s3cr3t" not in ended.err
    level, found = check(shell, "proxy")
    assert level == "warning"
    assert "HTTPS_PROXY is left out" in found


def test_a_proxy_that_is_away_is_named(shell: Shell) -> None:
    shell.variables |= {"LEDGER_API_URL": f"http://{HOST}", "HTTP_PROXY": "http://ann:s3cr3t@127.0.0.1:1"}
    level, found = check(shell, "credentials")
    assert level == "failed"
    assert "through the proxy http://127.0.0.1:1" in found
    assert "s3cr3t" not in found


@pytest.mark.parametrize(
    ("variable", "content", "says"),
    [
        ("SSL_CERT_FILE", None, "cannot be read (No such file or directory)"),
        ("SSL_CERT_FILE", "no certificate", "holds no certificates"),
        ("SSL_CERT_DIR", None, "cannot be read (No such file or directory)"),
    ],
)
def test_certificates_that_cannot_be_read_are_one_sentence(
    shell: Shell, tmp_path: Path, variable: str, content: str | None, says: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    shell.variables |= {"LEDGER_API_URL": "https://127.0.0.1:1", "SSL_CERT_FILE": "", variable: str(path)}
    level, found = check(shell, "credentials")
    assert level == "failed"
    assert f"{variable} names {path}, which {says}" in found
