"""The gateway behind proxies: it goes the same way as the ledger's own calls, and says who stands in the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.simulator import Simulator
from tests.proxies import Address, Proxy, http_proxy, socks_proxy, tls_front

from .conftest import MakeGateway, token_of

HOST = "api.dingtalk.test"
LOGIN = ("ann", "p@ss:/#%")
WRITTEN = "ann:p%40ss%3A%2F%23%25"


def address_of(simulator: Simulator) -> Address:
    return "127.0.0.1", int(simulator.url.rpartition(":")[2])


@pytest.fixture(params=["http", "tunnel", "socks5"])
def through(
    request: pytest.FixtureRequest, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Proxy, str]]:
    """A proxy that wants a login, and the endpoint that is only reached through it."""
    target = address_of(simulator)
    if request.param == "socks5":
        with socks_proxy(target) as proxy:
            proxy.login = LOGIN
            monkeypatch.setenv("ALL_PROXY", proxy.url("socks5", WRITTEN))
            yield proxy, f"http://{HOST}"
        return
    with tls_front(target, HOST, tmp_path) as (front, ca):
        is_tunnel = request.param == "tunnel"
        with http_proxy(front if is_tunnel else target) as proxy:
            proxy.login = LOGIN
            monkeypatch.setenv("SSL_CERT_FILE", str(ca))
            monkeypatch.setenv("HTTPS_PROXY" if is_tunnel else "HTTP_PROXY", proxy.url("http", WRITTEN))
            yield proxy, f"https://{HOST}" if is_tunnel else f"http://{HOST}"


def test_a_send_goes_through_the_proxy_and_is_recorded(
    through: tuple[Proxy, str], make_gateway: MakeGateway, simulator: Simulator
) -> None:
    proxy, endpoint = through
    gateway = make_gateway(endpoint)
    answer = gateway.send("u1", headers=token_of(simulator) | {"x-ledger-campaign": "spring"})
    assert answer.status_code == 200, answer.text
    assert all(HOST in asked for asked in proxy.asked)
    gateway.book.parts.recorder.replay()
    assert [line.messages for line in gateway.book.campaigns()] == [1]


def test_a_proxy_that_wants_another_login_is_named_and_nothing_was_sent(
    through: tuple[Proxy, str], make_gateway: MakeGateway, simulator: Simulator
) -> None:
    proxy, endpoint = through
    proxy.login = ("ann", "another")
    answer = make_gateway(endpoint).send("u1", headers=token_of(simulator))
    assert (answer.status_code, answer.json()["code"]) == (502, "ledger.gateway.unreachable")
    assert re.search(rf"the proxy (http|socks5)://127\.0\.0\.1:{proxy.address[1]}\b", answer.text)
    assert "nothing was sent" in answer.text
    assert "p@ss" not in answer.text
    assert "proxy-authenticate" not in answer.headers


def test_this_machine_is_forwarded_to_without_a_proxy(
    make_gateway: MakeGateway, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert make_gateway(simulator.url).send("u1", headers=token_of(simulator)).status_code == 200


def test_certificates_that_cannot_be_read_are_one_sentence(
    make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    answer = make_gateway(f"https://{HOST}").send("u1")
    assert answer.status_code == 502
    assert "SSL_CERT_FILE names" in answer.json()["message"]


def test_no_proxy_exempts_the_endpoint_from_a_network(
    make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "fd00::/8 , 192.0.2.0/24")
    # Nobody answers there, and tests may not even ask: what matters is that no proxy was.
    answer = make_gateway("http://192.0.2.1:9", gateway_timeout_seconds=1).send("u1")
    assert answer.status_code in (500, 502, 504)
    assert "proxy" not in answer.text
