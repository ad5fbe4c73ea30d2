"""Settings: where they come from, what is refused and how that is said, and that no secret ever shows."""

import os
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import SettingsError, UnknownAppError
from ledger.settings import DEFAULT_APP, Settings

AS_NETWORKS = "write addresses or networks, as in 10.0.0.5, 192.168.0.0/16, fd00::/8"
AS_PUBLIC = "write the address by which browsers reach the service, as in https://ledger.example.com, without a path"
PROXIES = (ip_network("10.0.0.5"), ip_network("fd00::/8"))
SECRET = "sec-51c0ffee51c0ffee51c0ffee51c0ffee51c0"
TWO_APPS: dict[str, Any] = {"hr": {"robots": ["dinghr1", "dinghr2"]}, "it": {"robots": ["dingit"]}}
WriteFile = Callable[[str], Path]


@pytest.fixture
def write_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteFile:
    """A writer of the file that LEDGER_CONFIG names."""

    def write(text: str) -> Path:
        path = tmp_path / "ledger.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("LEDGER_CONFIG", str(path))
        return path

    return write


def refusal(**given: Any) -> str:
    """Return why the settings are refused."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(**given)
    assert caught.value.code == "settings"
    return str(caught.value)


def test_without_any_setting_the_documented_defaults_hold() -> None:
    settings = Settings.load()
    assert settings.api_url == "https://api.dingtalk.com"
    assert (settings.app_key, settings.app_secret) == (None, None)
    assert (settings.calls_per_second, settings.monthly_calls, settings.margin_seconds) == (20, 5000, 30)
    assert settings.database_url_or_default.startswith("sqlite:///")
    assert settings.database_url_or_default.endswith("ledger.sqlite")
    assert settings.spool_dir_or_default.name == "spool"


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("LEDGER_DATABASE_URL", "postgresql://h/d", "database_url", "postgresql://h/d"),
        ("LEDGER_API_URL", "https://api.dingtalk.io", "api_url", "https://api.dingtalk.io"),
        ("LEDGER_APP_KEY", "dingapp", "app_key", "dingapp"),
        ("LEDGER_CALLS_PER_SECOND", "40", "calls_per_second", 40.0),
        ("LEDGER_MONTHLY_CALLS", "200000", "monthly_calls", 200_000),
        ("LEDGER_MARGIN_SECONDS", "0", "margin_seconds", 0.0),
        ("LEDGER_SPOOL_DIR", "/var/spool/ledger", "spool_dir", Path("/var/spool/ledger")),
        ("LEDGER_MONTHLY_CALLS", "", "monthly_calls", 5000),
        ("LEDGER_KEEP_EXCERPT", "true", "keep_excerpt", True),
        ("LEDGER_KEEP_EXCERPT", "", "keep_excerpt", False),
        ("LEDGER_PUBLIC_URL", "HTTPS://Ledger.Example.com:443/", "public_url", "https://ledger.example.com"),
        ("LEDGER_PUBLIC_URL", "http://[FD00::1]:8400", "public_url", "http://[fd00::1]:8400"),
        ("LEDGER_TRUSTED_PROXIES", "10.0.0.5, fd00::/8", "trusted_proxies", PROXIES),
        ("LEDGER_TRUSTED_PROXIES", "", "trusted_proxies", (ip_network("127.0.0.0/8"), ip_network("::1"))),
    ],
)
def test_a_variable_sets_its_setting(
    variable: str, value: str, name: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(Settings.load(), name) == expected


@pytest.mark.parametrize(
    "name", ["LEDGER_CONFIG", "LEDGER_ACTOR", "LEDGER_TOKEN", "LEDGER_DEBUG", "LEDGER_TEST_DATABASE_URL"]
)
def test_variables_of_other_parts_of_the_house_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    assert Settings.load().monthly_calls == 5000


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("LEDGER_CALLS_PER_SECONDS", "LEDGER_CALLS_PER_SECOND"),
        ("LEDGER_DATABSE_URL", "LEDGER_DATABASE_URL"),
        ("LEDGER_APPKEY", "LEDGER_APP_KEY"),
        ("LEDGER_MARGIN", "LEDGER_MARGIN_SECONDS"),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest_known_one(
    variable: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, SECRET)
    message = refusal()
    assert message == f"unknown variable {variable} (did you mean {nearest}?)"


def test_every_unknown_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_XYZZY", "1")
    monkeypatch.setenv("LEDGER_PLUGH", "1")
    message = refusal()
    assert "unknown variable LEDGER_PLUGH" in message
    assert "unknown variable LEDGER_XYZZY" in message


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LEDGER_CALLS_PER_SECOND", "0", "it has to be at least 0.01 calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "1e-300", "it has to be at least 0.01 calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "1001", "it has to be at most 1,000 calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "nan", "it has to be at most 1,000 calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "-inf", "it has to be at least 0.01 calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "fast", "it has to be a number of calls a second"),
        ("LEDGER_CALLS_PER_SECOND", "20/s", "it has to be a number of calls a second"),
        ("LEDGER_MONTHLY_CALLS", "0", "it has to be at least 1 calls"),
        ("LEDGER_MONTHLY_CALLS", "1.5", "it has to be a whole number of calls"),
        ("LEDGER_MONTHLY_CALLS", "true", "it has to be a whole number of calls"),
        ("LEDGER_MONTHLY_CALLS", "9" * 5000, "it has to be a whole number of calls"),
        ("LEDGER_MONTHLY_CALLS", "9" * 30, "it has to be at most 1,000,000,000 calls"),
        ("LEDGER_REQUEST_MAX_BYTES", "20MB", "it has to be a whole number of bytes"),
        ("LEDGER_MARGIN_SECONDS", "-1", "it has to be at least 0 seconds"),
        ("LEDGER_MARGIN_SECONDS", "3601", "it has to be at most 3,600 seconds"),
        ("LEDGER_MARGIN_SECONDS", "inf", "it has to be at most 3,600 seconds"),
        ("LEDGER_TRUSTED_PROXIES", "10.0.0.1/8", AS_NETWORKS),
        ("LEDGER_TRUSTED_PROXIES", "proxy.example", AS_NETWORKS),
        ("LEDGER_PUBLIC_URL", "ledger.example.com", AS_PUBLIC),
        ("LEDGER_PUBLIC_URL", "https://ledger.example.com/ledger", AS_PUBLIC),
        ("LEDGER_PUBLIC_URL", "https://me:word@ledger.example.com", AS_PUBLIC),
        ("LEDGER_PUBLIC_URL", "https://[::1", AS_PUBLIC),
        ("LEDGER_MARGIN_SECONDS", "30s", "it has to be a number of seconds"),
        ("LEDGER_GROUP_WINDOW_HOURS", "24.1", "it has to be at most 24 hours"),
        ("LEDGER_CALLS_IN_FLIGHT", "257", "it has to be at most 256"),
        ("LEDGER_HTTP_TIMEOUT_SECONDS", "0", "it has to be more than 0 seconds"),
        ("LEDGER_PLAN_VALID_SECONDS", "0", "it has to be more than 0 seconds"),
        ("LEDGER_APP_KEY", "\udcff", "it has to be text in UTF-8"),
        ("LEDGER_APPS", "[1]", "it has to be a table, as in [apps.NAME]"),
    ],
)
def test_a_value_out_of_its_range_is_named(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert refusal() == f"{variable}: {message}"


@pytest.mark.parametrize(
    "url",
    [
        *("api.dingtalk.com", "ftp://api.dingtalk.com", "https://?x=1", f"https://host:{SECRET}", "http://host:99999"),
        *("http://[::1", f"https://u:{SECRET}@host", f"https://u:{SECRET}/x@host", f"https://host/#{SECRET}"),
        *(f"https://host?{SECRET}", "https://ho st", "https://host\x00", "https://:443", "https://host:0"),
    ],
)
def test_an_endpoint_that_is_no_address_is_refused_without_a_word_of_it(
    url: str,
) -> None:
    message = refusal(api_url=url)
    assert message.startswith("LEDGER_API_URL: write an address, as in https://api.dingtalk.com")
    assert SECRET not in message


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_MONTHLY_CALLS", "0")
    monkeypatch.setenv("LEDGER_MARGIN_SECONDS", "-1")
    message = refusal(calls_per_second=-1)
    assert all(name in message for name in ("LEDGER_MONTHLY_CALLS", "LEDGER_MARGIN_SECONDS", "LEDGER_CALLS_PER_SECOND"))


def test_an_argument_that_is_no_setting_is_refused() -> None:
    assert "LEDGER_COLOUR" in refusal(colour="red")


def test_arguments_win_over_variables_and_these_over_the_file(
    write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file('monthly_calls = 1\nmargin_seconds = 1\ncalls_per_second = 1\napp_key = "from-the-file"')
    monkeypatch.setenv("LEDGER_MARGIN_SECONDS", "2")
    monkeypatch.setenv("LEDGER_CALLS_PER_SECOND", "2")
    settings = Settings.load(calls_per_second=3)
    assert (settings.monthly_calls, settings.margin_seconds, settings.calls_per_second) == (1, 2, 3)
    assert settings.app_key == "from-the-file"


def test_an_empty_variable_does_not_hide_the_file(write_file: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file('app_key = "from-the-file"')
    monkeypatch.setenv("LEDGER_APP_KEY", "")
    assert Settings.load().app_key == "from-the-file"


def test_the_file_may_use_the_names_of_the_variables(write_file: WriteFile) -> None:
    write_file(f'LEDGER_APP_KEY = "dingapp"\nLEDGER_APP_SECRET = "{SECRET}"\nLEDGER_MONTHLY_CALLS = 7')
    settings = Settings.load()
    assert (settings.app_key, settings.monthly_calls) == ("dingapp", 7)
    assert settings.app_secret is not None
    assert settings.app_secret.get_secret_value() == SECRET


def test_the_file_holds_apps_with_all_their_values(write_file: WriteFile) -> None:
    write_file(
        f"""
        calls_per_second = 40
        [apps.hr]
        robots = ["dinghr1", "dinghr2"]
        app_key = "hrapp"
        app_secret = "{SECRET}"
        api_url = "https://api.dingtalk.io/"
        calls_per_second = 5
        [apps.shop]
        robots = ["dingshop"]
        suite_key = "suite01"
        suite_secret = "{SECRET}"
        auth_corp_id = "corp01"
        suite_ticket_file = "/run/ticket"
        """
    )
    settings = Settings.load()
    hr, shop = settings.app("hr"), settings.app("shop")
    assert (hr.robots, hr.app_key, hr.api_url, hr.calls_per_second) == (
        ("dinghr1", "dinghr2"),
        "hrapp",
        "https://api.dingtalk.io",
        5,
    )
    assert (shop.suite_key, shop.auth_corp_id, shop.suite_ticket_file) == ("suite01", "corp01", Path("/run/ticket"))
    assert (shop.api_url, shop.calls_per_second) == ("https://api.dingtalk.com", 40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("calls_per_seconds = 3", "calls_per_seconds (did you mean calls_per_second?)"),
        ("LEDGER_MONTHLY_CALL = 3", "monthly_call (did you mean monthly_calls?)"),
        ("[apps.hr]\nrobot = ['x']", "[apps.hr]: robot (did you mean robots?)"),
        ("[apps.hr]\napp_secrt = 'x'", "[apps.hr]: app_secrt (did you mean app_secret?)"),
        ("[app.hr]\nrobots = ['x']", "app (did you mean apps?)"),
        ("apps = 5", "[apps.NAME]"),
        ("apps = ['hr']", "[apps.NAME]"),
        ("[apps]\nhr = 'x'", "[apps.NAME]"),
        ("[apps]\nhr = 5", "[apps.NAME]"),
        ("this is no TOML", "is not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_file(text: str, message: str, write_file: WriteFile) -> None:
    path = write_file(text)
    assert message in refusal()
    assert str(path) in refusal()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("monthly_calls = 0", "LEDGER_MONTHLY_CALLS: "),
        ("monthly_calls = true", "LEDGER_MONTHLY_CALLS: it has to be a whole number of calls"),
        ("margin_seconds = false", "LEDGER_MARGIN_SECONDS: it has to be a number of seconds"),
        ("margin_seconds = nan", "LEDGER_MARGIN_SECONDS: it has to be at most 3,600 seconds"),
        ("margin_seconds = 2026-03-01", "LEDGER_MARGIN_SECONDS: it has to be a number of seconds"),
        ("app_key = 123", "LEDGER_APP_KEY: it has to be text: in the file, put it in quotes"),
        ("spool_dir = 5", "LEDGER_SPOOL_DIR: it has to be a path: in the file, put it in quotes"),
        ("database_url = ['x']", "LEDGER_DATABASE_URL: it has to be text"),
        ("[apps.hr]\nrobots = 5", "apps.hr.robots: it has to be a list"),
        ("[apps.hr]\nrobots = ['']", "apps.hr.robots.0: it has to be text that is not empty"),
        ("monthly_calls = 1\nLEDGER_MONTHLY_CALLS = 2", "twice, with and without LEDGER_"),
        ("[apps.hr]\ncalls_per_second = 0", "apps.hr.calls_per_second: "),
        ("[apps.hr]\napi_url = 'x'", "apps.hr.api_url: "),
        ("[apps.hr]\nrobots = 'x'", "apps.hr.robots: "),
    ],
)
def test_a_value_out_of_its_range_in_the_file_is_named(text: str, message: str, write_file: WriteFile) -> None:
    write_file(text)
    assert message in refusal()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (tmp_path / "nowhere.toml", tmp_path):
        monkeypatch.setenv("LEDGER_CONFIG", str(path))
        assert f"LEDGER_CONFIG names {path}, which cannot be read" in refusal()


@pytest.mark.parametrize("text", ["app_key = '钥匙'\n", "app_key = '钥匙'\r\n"])
def test_a_file_as_editors_of_windows_save_it_is_read(text: str, write_file: WriteFile) -> None:
    write_file("").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert Settings.load().app_key == "钥匙"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, says in ((pipe, "it is a pipe"), ("/dev/zero", "it is a device"), (tmp_path, "it is a folder")):
        monkeypatch.setenv("LEDGER_CONFIG", str(path))
        assert says in refusal()
    (tmp_path / "huge").write_bytes(b"#" * 1_000_001)
    monkeypatch.setenv("LEDGER_CONFIG", str(tmp_path / "huge"))
    assert "more than 1,000,000 bytes" in refusal()


@pytest.mark.parametrize("path", ["", " ", "/dev/null"])
def test_no_file_is_named_by_an_empty_name(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_CONFIG", path)
    assert Settings.load().monthly_calls == 5000


def test_blanks_around_a_value_are_not_of_it_and_blanks_alone_are_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # As files of secrets end with a line's end.
    monkeypatch.setenv("LEDGER_APP_SECRET", f" {SECRET}\n")
    monkeypatch.setenv("LEDGER_MONTHLY_CALLS", "  ")
    monkeypatch.setenv("LEDGER_API_URL", "https://api.dingtalk.io \n")
    monkeypatch.setenv("LEDGER_DATABASE_URL", "\t")
    settings = Settings.load()
    assert settings.app_secret is not None
    assert settings.app_secret.get_secret_value() == SECRET
    assert (settings.monthly_calls, settings.api_url) == (5000, "https://api.dingtalk.io")
    assert settings.database_url_or_default.endswith("ledger.sqlite")


def test_an_unknown_variable_that_is_empty_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_XYZZY", "")
    assert Settings.load().monthly_calls == 5000


def test_what_kubernetes_says_of_a_service_called_ledger_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    address = {"LEDGER_PORT_8400_TCP": "tcp://10.0.0.9:8400", "LEDGER_PORT_8400_TCP_ADDR": "10.0.0.9"}
    service = {"LEDGER_SERVICE_HOST": "10.0.0.9", "LEDGER_SERVICE_PORT": "8400", "LEDGER_SERVICE_PORT_HTTP": "8400"}
    other = {"LEDGER_GATEWAY_SERVICE_HOST": "10.0.0.8", "LEDGER_GATEWAY_PORT": "tcp://10.0.0.8:8401"}
    for name, value in {"LEDGER_PORT": "tcp://10.0.0.9:8400", **address, **service, **other}.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().monthly_calls == 5000
    monkeypatch.setenv("LEDGER_PORT", "8400")
    assert "unknown variable LEDGER_PORT" in refusal()


def test_a_robot_of_two_apps_is_named_with_both() -> None:
    apps = {"hr": {"robots": ["dinghr", "dingx"]}, "it": {"robots": ["dingx"]}}
    assert refusal(apps=apps) == "robot 'dingx' belongs to several apps (hr, it): leave it in one of them"


def test_without_a_home_the_variable_to_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    # A user without an entry: whoever asks the system for the home of such a number gets nothing.
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError()))
    with pytest.raises(SettingsError, match="LEDGER_DATABASE_URL and LEDGER_SPOOL_DIR, or HOME"):
        _ = Settings.load().database_url_or_default
    assert "write the whole path" in refusal(database_url="sqlite:///~/x.sqlite")


def test_a_file_that_is_not_utf8_is_named(write_file: WriteFile) -> None:
    path = write_file("")
    path.write_bytes(b'app_key = "\xff"')
    assert f"{path} is not TOML" in refusal()


SECRET_PLACES: list[tuple[dict[str, str], str]] = [
    ({"LEDGER_APP_SECRET": SECRET, "LEDGER_MONTHLY_CALLS": "x"}, ""),
    ({"LEDGER_APPS": '{"hr": {"app_secret": "' + SECRET + '"'}, ""),
    ({"LEDGER_APPS": '{"hr": {"app_secret": ["' + SECRET + '"]}}'}, ""),
    ({"LEDGER_APPS": '["' + SECRET + '"]'}, ""),
    ({"LEDGER_APPS": '{"hr": {"suite_ticket": {"x": "' + SECRET + '"}}}'}, ""),
    ({"LEDGER_DATABASE_URL": f"postgresql://u:{SECRET}@h/d", "LEDGER_MONTHLY_CALLS": "x"}, ""),
    ({}, f"app_secret = ['{SECRET}']"),
    ({}, f"app_secret = {SECRET}"),
    ({}, f"app_secret = '{SECRET}"),
    ({}, f"[apps.hr]\nsuite_secret = ['{SECRET}']"),
    ({}, f"apps = ['{SECRET}']"),
    ({"LEDGER_API_URL": SECRET}, ""),
    ({"LEDGER_CALLS_PER_SECOND": SECRET}, ""),
]


@pytest.mark.parametrize(("variables", "text"), SECRET_PLACES)
def test_no_error_repeats_a_secret(
    variables: dict[str, str], text: str, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_representation_shows_a_secret() -> None:
    settings = Settings.load(
        database_url=f"postgresql://u:{SECRET}@h/d",
        app_secret=SECRET,
        apps={"hr": {"app_secret": SECRET, "suite_secret": SECRET, "suite_ticket": SECRET}},
    )
    for value in (settings, settings.app("hr"), settings.app(DEFAULT_APP), settings.apps):
        assert SECRET not in repr(value) + str(value)


@pytest.mark.parametrize(
    ("given", "robot", "app"),
    [
        ({}, "dingany", DEFAULT_APP),
        ({"app_key": "k"}, "dingany", DEFAULT_APP),
        ({"apps": TWO_APPS}, "dinghr2", "hr"),
        ({"apps": TWO_APPS}, "dingit", "it"),
        ({"apps": TWO_APPS, "app_key": "k"}, "dingit", "it"),
        ({"apps": TWO_APPS, "app_key": "k"}, "dingother", DEFAULT_APP),
        ({"apps": {"only": {}}}, "dingany", "only"),
    ],
)
def test_a_robot_belongs_to_the_app_that_names_it_or_to_the_only_one(
    given: dict[str, Any], robot: str, app: str
) -> None:
    assert Settings.load(**given).app_of(robot) == app


@pytest.mark.parametrize("apps", [TWO_APPS, {"hr": {"robots": ["dinghr1"]}}, {"one": {}, "two": {}}])
def test_a_robot_that_no_app_names_is_named_with_the_apps(apps: dict[str, Any]) -> None:
    with pytest.raises(UnknownAppError, match=f"'dingstranger'.*{', '.join(apps)}"):
        Settings.load(apps=apps).app_of("dingstranger")


def test_the_default_app_has_the_common_settings() -> None:
    settings = Settings.load(app_key="k", app_secret=SECRET, api_url="http://127.0.0.1:8399/", calls_per_second=7)
    own = settings.app(DEFAULT_APP)
    assert (own.app_key, own.api_url, own.calls_per_second) == ("k", "http://127.0.0.1:8399", 7)
    assert own.app_secret == settings.app_secret


def test_an_app_does_not_inherit_the_credentials_of_another() -> None:
    own = Settings.load(app_key="k", app_secret=SECRET, apps=TWO_APPS).app("hr")
    assert (own.app_key, own.app_secret) == (None, None)


def test_an_app_that_is_not_configured_says_what_to_add() -> None:
    with pytest.raises(UnknownAppError, match=r"\[apps.nobody\].*LEDGER_CONFIG"):
        Settings.load(apps=TWO_APPS).app("nobody")


def test_an_app_has_its_own_rate_or_the_common_one() -> None:
    apps = {"slow": {"calls_per_second": 2}, "plain": {}}
    settings = Settings.load(calls_per_second=40, apps=apps)
    assert [settings.rate_of(name) for name in ("slow", "plain", DEFAULT_APP, "nobody")] == [2, 40, 40, 40]


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({"database_url": "sqlite:////var/lib/ledger/book.sqlite"}, Path("/var/lib/ledger/spool")),
        ({"database_url": "sqlite:///book.sqlite"}, Path("spool")),
        ({"database_url": "sqlite:////data/a%20b%3F/book.sqlite"}, Path("/data/a b?/spool")),
        ({"database_url": "sqlite:////data/book.sqlite?timeout=3"}, Path("/data/spool")),
        ({"database_url": "sqlite:///~/book.sqlite"}, Path("~/spool").expanduser()),
        ({"spool_dir": "~/elsewhere"}, Path("~/elsewhere").expanduser()),
        ({"database_url": "sqlite:///x.sqlite", "spool_dir": Path("/elsewhere")}, Path("/elsewhere")),
    ],
)
def test_what_could_not_be_written_waits_beside_the_database(given: dict[str, Any], folder: Path) -> None:
    assert Settings.load(**given).spool_dir_or_default == folder


@pytest.mark.parametrize("url", ["postgresql+psycopg://h/d", "postgres://h/d"])
def test_without_a_file_to_be_beside_it_waits_in_the_data_folder(url: str) -> None:
    folder = Settings.load(database_url=url).spool_dir_or_default
    assert folder.is_absolute()
    assert folder.parent.name == "dingtalk-ledger"


def test_settings_do_not_change_under_way() -> None:
    settings = Settings.load()
    with pytest.raises(ValueError, match="frozen"):
        settings.monthly_calls = 1


def test_the_setting_that_says_where_an_app_is_asked_is_its_own_or_the_common_one() -> None:
    apps = {"mail": {"api_url": "https://mail.example.com", "app_key": "k"}, "hr": {"app_key": "k"}}
    settings = Settings.load(apps=apps)
    assert settings.endpoint_setting("mail") == "api_url of [apps.mail] in the file of LEDGER_CONFIG"
    assert settings.endpoint_setting("hr") == "LEDGER_API_URL"
    assert settings.endpoint_setting("default") == "LEDGER_API_URL"
