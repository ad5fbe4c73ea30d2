"""The service behind proxies: who is believed, and what browsers get that came by https."""

from ipaddress import ip_network

import pytest
from starlette.datastructures import Headers

from ledger.core.access.roles import Role
from ledger.entrypoints.http.forwarded import LONGEST_CHARACTERS, client_of

from .conftest import ServeLedger, Service

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
PROXY, PUBLIC = "10.0.0.1", "https://ledger.example.com"
HTTPS = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}


def seen(peer: str, *lines: tuple[str, str]) -> tuple[str, str | None] | None:
    """Return whom a request of a peer is taken to come from, and by what scheme; None for the peer itself."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in lines]
    found = client_of(peer, Headers(raw=raw), TRUSTED)
    return (str(found.address), found.scheme) if found else None


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        # What the client made up stands left of it.
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("10.9.9.9,198.51.100.7", "198.51.100.7"),
        # Through two proxies of ours, the second reached by the first.
        ("203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # Where a proxy does not say it, the client is as far as the next that does.
        ("203.0.113.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("nonsense", PROXY),
        ("", PROXY),
        ("1" * 70, PROXY),
    ],
)
def test_the_client_is_who_asked_the_outermost_proxy_of_ours(value: str, client: str) -> None:
    assert seen(PROXY, ("X-Forwarded-For", value)) == (client, None)


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=198.51.100.7;proto=https", ("198.51.100.7", "https")),
        ('For="198.51.100.7:47011" ; PROTO=https;by=10.0.0.1;host=x', ("198.51.100.7", "https")),
        ('for="[2001:db8:cafe::17]:4711";proto=http', ("2001:db8:cafe::17", "http")),
        ("for=127.0.0.1;proto=https, for=198.51.100.7;proto=http", ("198.51.100.7", "http")),
        # Between two proxies it may be http: what counts is how the client came.
        ("for=198.51.100.7;proto=https, for=10.0.0.2;proto=http", ("198.51.100.7", "https")),
        ("for=198.51.100.7, for=10.0.0.2;proto=https", ("198.51.100.7", "https")),
        ('for="\\1\\9\\8.51.100.7"', ("198.51.100.7", None)),
        ("for=_hidden;proto=https", (PROXY, None)),
        ("for=unknown", (PROXY, None)),
        ("proto=gopher", (PROXY, None)),
        ("", (PROXY, None)),
    ],
)
def test_the_header_of_rfc_7239_says_the_same(value: str, client: tuple[str, str | None]) -> None:
    assert seen(PROXY, ("Forwarded", value)) == client


@pytest.mark.parametrize(
    "made_up", ['for="', 'for="x', "for=1;;", "for", "=", 'for="127.0.0.1', "for=127.0.0.1;", 'x="\\', "for=a b"]
)
def test_a_client_cannot_swallow_what_the_proxy_adds(made_up: str) -> None:
    for lines in (
        [("Forwarded", f"{made_up}, for=198.51.100.7")],
        [("Forwarded", made_up), ("Forwarded", 'for="[2001:db8::7]"')],
    ):
        assert seen(PROXY, *lines) in ((PROXY, None), ("198.51.100.7", None), ("2001:db8::7", None))


def test_of_two_headers_that_differ_none_is_believed_as_a_proxy_hands_on_the_one_it_does_not_set() -> None:
    real, same = ("X-Forwarded-For", "198.51.100.7"), ("Forwarded", "for=198.51.100.7")
    assert seen(PROXY, real, same) == ("198.51.100.7", None)
    assert seen(PROXY, real, ("Forwarded", "for=127.0.0.1;proto=https")) is None
    assert seen(PROXY, same, ("X-Forwarded-For", "127.0.0.1")) is None
    assert seen(PROXY, real, ("Forwarded", "for=_x")) is None


def test_nobody_else_is_believed() -> None:
    for peer in ("198.51.100.7", "127.0.0.1", "::1", "11.0.0.1", "", "nonsense", "fc00::1"):
        assert seen(peer, ("X-Forwarded-For", "10.0.0.5"), ("X-Forwarded-Proto", "https")) is None
    assert seen("::ffff:10.0.0.1", ("X-Forwarded-For", "198.51.100.7")) == ("198.51.100.7", None)


def test_of_a_header_longer_than_any_row_of_proxies_nothing_is_read() -> None:
    assert seen(PROXY, ("X-Forwarded-For", "1.1.1.1," * 300 + "198.51.100.7")) == (PROXY, None)
    assert seen(PROXY, ("Forwarded", "for=1.1.1.1," * 200 + "for=198.51.100.7")) == (PROXY, None)


def test_whatever_a_header_holds_it_is_read_without_an_error() -> None:
    most = LONGEST_CHARACTERS // 5
    for value in (
        "for=" * most,
        'for="' + "\\" * most,
        "," * most,
        ";" * most,
        'a="",' * most,
        "a=" + " " * most,
        "\xff",
    ):
        seen(PROXY, ("Forwarded", value))
        seen(PROXY, ("X-Forwarded-For", value))


def cookie_of(service: Service, **headers: str) -> str:
    with service.client(headers=headers) as browser:
        name = f"one-{len(service.book.parts.service_tokens.listed())}"
        answer = browser.post("/sign-in", data={"token": service.token(Role.OPERATOR, name=name)})
    assert answer.status_code == 303
    assert ("strict-transport-security" in answer.headers) == ("Secure" in answer.headers["set-cookie"])
    return answer.headers["set-cookie"].partition("=")[0]


def test_by_https_the_cookie_is_secure_and_of_this_host_and_browsers_keep_to_https(service: Service) -> None:
    assert cookie_of(service, **HTTPS) == "__Host-ledger-session"
    assert cookie_of(service, Forwarded="for=198.51.100.7;proto=https") == "__Host-ledger-session"
    assert cookie_of(service) == "ledger-session"
    assert cookie_of(service, **{"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "http"}) == "ledger-session"


def test_who_is_not_a_proxy_of_ours_makes_no_https(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(trusted_proxies="10.0.0.0/8")
    assert cookie_of(service, **HTTPS) == "ledger-session"


def test_a_public_address_of_https_needs_no_word_of_the_proxy(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(public_url=PUBLIC, trusted_proxies="10.0.0.0/8")
    assert cookie_of(service) == "__Host-ledger-session"
    assert cookie_of(service, Host="ledger.example.com") == "__Host-ledger-session"
    with service.client(headers={"Host": "evil.example"}) as lured:
        assert lured.get("/healthz").status_code == 421


def test_by_https_a_cookie_that_plain_http_could_have_put_there_opens_nothing(service: Service) -> None:
    secret = service.book.parts.service_tokens.sign_in(service.token(Role.OPERATOR)).secret
    with service.client(headers={**HTTPS, "Cookie": f"ledger-session={secret}"}) as browser:
        assert browser.get("/v1/campaigns").status_code == 401
    with service.client(headers={**HTTPS, "Cookie": f"__Host-ledger-session={secret}"}) as browser:
        assert browser.get("/v1/campaigns").status_code == 200


def test_wrong_tokens_are_counted_by_the_address_of_the_client_not_of_the_proxy(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def try_from(address: str) -> int:
        with service.client(headers={"X-Forwarded-For": address}) as browser:
            return browser.post("/sign-in", data={"token": "wrong"}).status_code

    assert {try_from("198.51.100.7") for _ in range(11)} == {401, 429}
    assert try_from("198.51.100.8") == 401
    # In the log as well, but not without end.
    told = [record.getMessage() for record in caplog.records if "tried to sign in" in record.getMessage()]
    assert [sum(address in text for text in told) for address in ("198.51.100.7", "198.51.100.8")] == [10, 1]


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (PUBLIC, "ledger.example.com", 303),
        # As nginx asks when it is told nothing of the name.
        (PUBLIC, "127.0.0.1:8400", 303),
        (PUBLIC, "ledger.example.com:443", 303),
        ("https://evil.example", "ledger.example.com", 403),
        ("https://evil.example", "127.0.0.1:8400", 403),
        ("https://ledger.example.com:8443", "ledger.example.com", 403),
        ("http://ledger.example.com", "ledger.example.com", 403),
        ("null", "ledger.example.com", 403),
        ("null", "127.0.0.1:8400", 403),
        ("https://ledger.example.com:port", "ledger.example.com", 403),
        ("", "ledger.example.com", 403),
    ],
)
def test_behind_a_proxy_only_our_own_pages_change_anything(
    serve_ledger: ServeLedger, origin: str, host: str, status: int
) -> None:
    service = serve_ledger(public_url=PUBLIC)
    # As browsers ask that do not send Sec-Fetch-Site.
    with service.client(headers={"Host": host, "Origin": origin}) as browser:
        assert browser.post("/language", data={"language": "zh"}).status_code == status


@pytest.mark.parametrize(("site", "status"), [("same-origin", 303), ("cross-site", 403), ("same-site", 403)])
def test_what_the_browser_says_of_the_page_goes_before_its_origin(
    serve_ledger: ServeLedger, site: str, status: int
) -> None:
    service = serve_ledger(public_url=PUBLIC)
    with service.client(headers={"Origin": PUBLIC, "Sec-Fetch-Site": site}) as browser:
        assert browser.post("/language", data={"language": "zh"}).status_code == status


def test_with_a_public_address_this_machine_is_not_let_in_unasked(serve_ledger: ServeLedger) -> None:
    with serve_ledger(public_url=PUBLIC).client() as anybody:
        assert anybody.get("/v1/campaigns").status_code == 401
