"""Which proxy a URL takes: every form of NO_PROXY that people write, and what is left out as unreadable."""

import pytest

from ledger.core.proxies import is_this_machine, read

DINGTALK = "https://api.dingtalk.com/v1.0/x"
THROUGH = {"HTTPS_PROXY": "http://proxy.corp:3128", "HTTP_PROXY": "http://proxy.corp:3128"}
SECRET = "s3cr3t-of-the-proxy"


def way(url: str, **variables: str) -> str | None:
    """Return the address of the proxy that a URL takes."""
    proxy = read(variables).of(url)
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("exempt", "url", "is_exempt"),
    [
        ("*", DINGTALK, True),
        (" * ", DINGTALK, True),
        ("localhost, *", DINGTALK, True),
        ("dingtalk.com", DINGTALK, True),
        (".dingtalk.com", DINGTALK, True),
        ("*.dingtalk.com", DINGTALK, True),
        ("API.DingTalk.COM.", DINGTALK, True),
        ("talk.com", DINGTALK, False),
        ("api.dingtalk.com:443", DINGTALK, True),
        ("api.dingtalk.com:8443", DINGTALK, False),
        ("api.dingtalk.com:8443", "https://api.dingtalk.com:8443", True),
        ("https://api.dingtalk.com", DINGTALK, True),
        ("http://api.dingtalk.com", DINGTALK, False),
        ("a.example b.example\tdingtalk.com", DINGTALK, True),
        ("a.example , , dingtalk.com;b.example", DINGTALK, True),
        ("10.0.0.0/8", "https://10.200.3.4", True),
        ("10.0.0.1/8", "https://10.200.3.4", True),
        ("10.0.0.0/8", "https://11.0.0.1", False),
        ("10.0.0.0/8", DINGTALK, False),
        ("192.168.*", "http://192.168.7.7:8080", True),
        ("10.1.2.3:8080", "http://10.1.2.3:8080", True),
        ("10.1.2.3:8080", "http://10.1.2.3:8081", False),
        ("fd00::/8", "https://[fd12:3456::1]", True),
        ("fd00::/8,::1/128,fe80::/10", "https://[fe80::1]:8443", True),
        ("[fd00::]/8", "https://[fd12::1]", True),
        ("fd00::1", "https://[fd00::1]", True),
        ("[fd00::1]", "https://[fd00:0::1]", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443", True),
        ("[fd00::1]:8443", "https://[fd00::1]", False),
    ],
)
def test_what_no_proxy_names_is_asked_straight(exempt: str, url: str, is_exempt: bool) -> None:
    read_variables = read({**THROUGH, "NO_PROXY": exempt})
    assert read_variables.left_out == ()
    assert (read_variables.of(url) is None) is is_exempt


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost:8399", "http://ledger.localhost", "http://127.0.0.1:1", "http://127.9.9.9"),
        *("http://[::1]:8400", "http://[::ffff:127.0.0.1]", "http://0.0.0.0:8399", "http://[::]:8399"),
    ],
)
def test_this_machine_is_never_asked_through_a_proxy(url: str) -> None:
    assert way(url, ALL_PROXY="socks5://proxy.corp", **THROUGH) is None


def test_a_name_that_only_begins_like_this_machine_is_another() -> None:
    assert not is_this_machine("localhost.example")
    assert not is_this_machine("127.0.0.1.example")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1/"}, "http://p:1"),
        ({"HTTPS_PROXY": "  p:1  "}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p"}, "http://p:80"),
        ({"HTTPS_PROXY": "https://p"}, "https://p:443"),
        ({"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ({"ALL_PROXY": "socks5://p"}, "socks5://p:1080"),
        ({"ALL_PROXY": "socks://p"}, "socks5://p:1080"),
        ({"all_proxy": "socks5h://p:9"}, "socks5h://p:9"),
        ({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://own:2"}, "http://own:2"),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:2"}, "http://lower:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://upper:2"}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": f"http://ann:{SECRET}@p:1"}, "http://p:1"),
    ],
)
def test_the_variables_decide_as_with_curl(variables: dict[str, str], expected: str | None) -> None:
    assert way(DINGTALK, **variables) == expected


def test_a_header_of_a_request_is_no_proxy() -> None:
    assert way("http://api.dingtalk.com", HTTP_PROXY="http://evil:1", REQUEST_METHOD="GET") is None
    assert way("http://api.dingtalk.com", http_proxy="http://p:1", REQUEST_METHOD="GET") == "http://p:1"


def test_a_login_is_read_as_it_was_meant() -> None:
    proxy = read({"HTTPS_PROXY": "http://ann:p%40ss%3A%2F%23%25@p:1"}).of(DINGTALK)
    assert proxy is not None
    assert (proxy.user, proxy.password) == ("ann", "p@ss:/#%")


@pytest.mark.parametrize(
    "value",
    [
        f"http://ann:{SECRET}#x@p:1",
        f"http://ann:1/{SECRET}@p",
        f"http://ann:1?{SECRET}@p",
        f"http://ann:{SECRET}@",
        f"socks4://ann:{SECRET}@p:1",
        f"{SECRET}://p:1",
        f"http://ann:{SECRET}@p:99999",
        f"http://ann:{SECRET}@[::1",
        f'"http://ann:{SECRET}@p:1"',
        f"http://wpad/{SECRET}.pac",
        f"http://ann:{SECRET}@p p:1",
        "http://",
    ],
)
def test_a_proxy_that_cannot_be_read_is_left_out_and_named_without_a_word_of_it(value: str) -> None:
    proxies = read({"HTTPS_PROXY": value, "ALL_PROXY": "http://all:1"})
    (sentence,) = proxies.left_out
    assert sentence.startswith("HTTPS_PROXY is left out: ")
    assert SECRET not in sentence + repr(proxies)
    found = proxies.of(DINGTALK)
    assert found is not None
    assert found.url == "http://all:1"


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/99", "::1::1", "host:port", "host:99999", "a/b", f"ann:{SECRET}@p", "fd00::/x"]
)
def test_an_entry_that_cannot_be_read_is_named_and_the_others_hold(entry: str) -> None:
    proxies = read({**THROUGH, "NO_PROXY": f"{entry},dingtalk.com"})
    (sentence,) = proxies.left_out
    assert "of NO_PROXY is left out" in sentence
    assert SECRET not in sentence
    assert entry.rpartition("@")[2] in sentence
    assert proxies.of(DINGTALK) is None


def test_no_representation_shows_a_login() -> None:
    proxies = read({"HTTPS_PROXY": f"http://ann:{SECRET}@p:1"})
    proxy = proxies.of(DINGTALK)
    assert proxy is not None
    assert SECRET not in repr(proxies) + repr(proxy) + proxy.url


@pytest.mark.parametrize(
    ("entry", "url", "is_exempt"),
    [
        ("https://10.0.0.0/8", "https://10.1.2.3/", True),
        ("https://10.0.0.0/8", "http://10.1.2.3/", False),
        ("https://10.1.2.3", "https://10.1.2.3/", True),
        ("https://10.1.2.3", "http://10.1.2.3/", False),
        ("https://10.1.2.3:8443", "https://10.1.2.3:8443/", True),
        ("https://10.1.2.3:8443", "http://10.1.2.3:8443/", False),
        ("[fd00::1]", "https://[fd00::1]/", True),
    ],
)
def test_an_exemption_of_one_scheme_is_none_of_the_other(entry: str, url: str, is_exempt: bool) -> None:
    assert (read({**THROUGH, "NO_PROXY": entry}).of(url) is None) is is_exempt


@pytest.mark.parametrize("entry", ["host?x", "host#x"])
def test_what_is_more_than_a_host_is_no_exemption(entry: str) -> None:
    assert read({**THROUGH, "NO_PROXY": entry}).exempt == ()


def test_a_header_of_a_cgi_request_names_no_proxy_and_hides_none_of_the_others() -> None:
    proxies = read({**THROUGH, "REQUEST_METHOD": "GET"})
    assert proxies.of("http://api.example/") is None
    assert proxies.of("https://api.example/") is not None


def test_a_pattern_is_no_proxy() -> None:
    proxies = read({"HTTPS_PROXY": "http://*.corp:3128"})
    assert proxies.by_scheme == {}
    assert "HTTPS_PROXY is left out" in proxies.left_out[0]
