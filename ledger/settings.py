"""What can be set, from the environment or the TOML file that LEDGER_CONFIG names; checked whole at the start."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from ledger.database_url import DatabaseUrl, url_of_file, with_home
from ledger.errors import SettingsError, UnknownAppError
from ledger.settings_addresses import endpoint, networks, public_url, receiver
from ledger.settings_file import path_of_file, read_file
from ledger.settings_notices import Addresses, EventTable, WebhookAddresses, WebhookSecret, check_table
from ledger.settings_words import sentence_of, unknown

PREFIX = "LEDGER_"
DEFAULT_APP = "default"
# Variables of ours that are no settings of the ledger itself.
_OTHER_VARIABLES = {
    "LEDGER_CONFIG",
    "LEDGER_ACTOR",
    "LEDGER_TOKEN",
    "LEDGER_DEBUG",
    "LEDGER_TEST_BROWSER",
    "LEDGER_TEST_DATABASE_URL",
    "LEDGER_TEST_PGBOUNCER",
}
# Kubernetes gives these to every program beside a service that is called ledger, or ledger-something.
# No message may outlive the history of its recall.
LEAST_HISTORY_DAYS = 2
_OF_KUBERNETES = re.compile(r"LEDGER(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_HALF_SURROGATE = re.compile("[\ud800-\udfff]")
_PORT_OF_KUBERNETES = re.compile(r"(tcp|udp|sctp)://")


def _split(value: object) -> object:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _database_url(text: str) -> str:
    return DatabaseUrl.read(text).text if text else ""


def _tidied(kind: Any, given: Any) -> Any:
    """Take what was set as people mean it: without blanks around it, and an empty text is none.

    A number is no yes or no, which Python would take for 1 and 0.
    """
    if not isinstance(given, Mapping):
        return given
    tidy: dict[str, Any] = {}
    for name, value in given.items():
        field = kind.model_fields.get(name)
        kinds = set(get_args(field.annotation) or (field.annotation,)) if field else set()
        if isinstance(value, str):
            value = value.strip()
            if _HALF_SURROGATE.search(value) and Path not in kinds:
                # So come bytes that are no UTF-8: as such they are refused.
                value = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, bool) and kinds & {int, float} and bool not in kinds:
            value = str(value)
        if value != "":
            tidy[name] = value
    return tidy


_Url = Annotated[str, AfterValidator(endpoint)]
_Rate = Annotated[float, Field(ge=0.01, le=1000)]
_Path = Annotated[Path, AfterValidator(lambda path: Path(with_home(str(path))))]
_PublicUrl = Annotated[str, AfterValidator(public_url)]
_Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(networks)]
_Robot = Annotated[str, Field(min_length=1)]
# The limit of names in core, which stands above.
_Tag = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
MOST_CALLS = 1_000_000_000


class AppSettings(BaseModel):
    """One app at DingTalk: its robots, its credentials, its endpoint and its rate.

    An internal app has `app_key` and `app_secret`; a third-party app has the four `suite_` and `auth_` values, with
    the ticket either here or in a file that the receiver of DingTalk's push keeps up to date.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    robots: tuple[_Robot, ...] = ()
    app_key: str | None = None
    app_secret: SecretStr | None = None
    suite_key: str | None = None
    suite_secret: SecretStr | None = None
    auth_corp_id: str | None = None
    suite_ticket: SecretStr | None = None
    suite_ticket_file: _Path | None = None
    api_url: _Url | None = None
    calls_per_second: _Rate | None = None

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, given: Any) -> Any:
        return _tidied(cls, given)


class Settings(BaseSettings):
    """All settings, with units in their names; each is also an environment variable LEDGER_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    database_url: Annotated[str, Field(repr=False), AfterValidator(_database_url)] = ""
    api_url: _Url = "https://api.dingtalk.com"
    app_key: str | None = None
    app_secret: SecretStr | None = None
    calls_per_second: _Rate = 20.0
    monthly_calls: Annotated[int, Field(ge=1, le=MOST_CALLS)] = 5000
    quota_reserve_calls: Annotated[int, Field(ge=0, le=MOST_CALLS)] = 0
    margin_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    spool_dir: _Path | None = None
    spool_fallback_dir: _Path | None = None
    group_window_hours: Annotated[float, Field(gt=0, le=24)] = 24.0
    expiry_window_seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0
    plan_valid_seconds: Annotated[float, Field(gt=0, le=86400)] = 900.0
    calls_in_flight: Annotated[int, Field(ge=1, le=256)] = 16
    http_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    approval_recipients: Annotated[int | None, Field(ge=0, le=1_000_000_000)] = None
    # None at all: what an agent reads was written by others, and no recall can be taken back.
    agent_most_people: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    public_url: _PublicUrl | None = None
    # Whoever is at this machine can ask without a proxy as well.
    trusted_proxies: _Networks = networks("127.0.0.0/8, ::1")
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    request_max_bytes: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 20_000_000
    connections_max: Annotated[int, Field(ge=1, le=60_000)] = 1000
    connections_per_address_max: Annotated[int, Field(ge=1, le=60_000)] = 500
    requests_recording: Annotated[int, Field(ge=1, le=64)] = 8
    database_patience_seconds: Annotated[float, Field(ge=0, le=60)] = 15.0
    gateway_key: SecretStr | None = None
    gateway_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    gateway_connections: Annotated[int, Field(ge=1, le=10_000)] = 256
    campaign: _Tag | None = None
    source: _Tag | None = None
    keep_excerpt: bool = False
    stream: bool = False
    stream_monthly_events: Annotated[int, Field(ge=1, le=MOST_CALLS)] = 2700
    audit_key_file: _Path | None = None
    audit_key_command: Annotated[str | None, Field(repr=False)] = None
    audit_checkpoint_file: _Path | None = None
    audit_stream: Literal["stdout", "syslog"] | None = None
    audit_webhook_url: Annotated[str | None, Field(repr=False), AfterValidator(receiver)] = None
    audit_tsa_url: Annotated[_Url | None, Field(repr=False)] = None
    audit_tsa_roots_file: _Path | None = None
    audit_checkpoint_seconds: Annotated[float, Field(ge=10, le=604_800)] = 3600.0
    history_days: Annotated[int | None, Field(ge=LEAST_HISTORY_DAYS, le=36_500)] = None
    notify_urls: Annotated[Addresses, Field(repr=False)] = Field(default_factory=dict)
    notify_language: Literal["en", "zh"] = "en"
    notify_events: EventTable = Field(default_factory=dict)
    webhook_urls: Annotated[WebhookAddresses, Field(repr=False)] = Field(default_factory=dict)
    webhook_secret: WebhookSecret = None
    apps: dict[str, AppSettings] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, given: Any) -> Any:
        return _tidied(cls, given)

    @model_validator(mode="after")
    def _one_app_a_robot(self) -> Self:
        count = Counter(robot for app in self.apps.values() for robot in set(app.robots))
        for robot in (robot for robot, times in count.items() if times > 1):
            apps = ", ".join(name for name, app in self.apps.items() if robot in app.robots)
            raise ValueError(f"robot {robot!r} belongs to several apps ({apps}): leave it in one of them")
        return self

    @model_validator(mode="after")
    def _notices_that_arrive(self) -> Self:
        if self.webhook_urls and self.webhook_secret is None:
            raise ValueError("LEDGER_WEBHOOK_URLS needs LEDGER_WEBHOOK_SECRET, which its receivers check")
        if twice := self.notify_urls.keys() & self.webhook_urls.keys():
            raise ValueError(f"LEDGER_NOTIFY_URLS and LEDGER_WEBHOOK_URLS both call an address {min(twice)!r}")
        check_table(self.notify_events, self.notice_places)
        return self

    @property
    def notice_places(self) -> tuple[str, ...]:
        """The names of all addresses that notices may go to."""
        return (*self.notify_urls, *self.webhook_urls)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the settings; what is given here wins over the environment, and that over the file.

        Raise SettingsError naming every setting that is unknown (with the nearest known one) or out of its range.
        """
        names = {PREFIX + name.upper() for name in cls.model_fields}
        if sentence := unknown(_variables(), names | _OTHER_VARIABLES, "variable"):
            raise SettingsError(sentence)
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsError("; ".join(_say(detail) for detail in error.errors())) from None
        except UnreadableVariableError as error:
            raise SettingsError(f"a LEDGER_ variable is not JSON: {error}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in order: arguments, environment, file."""
        path = path_of_file()
        from_file = InitSettingsSource(settings_cls, init_kwargs=_in_file(path, cls.model_fields) if path else {})
        return init_settings, env_settings, from_file

    @property
    def database_url_or_default(self) -> str:
        """The SQLAlchemy URL; without a setting, an SQLite file in the user's data folder."""
        return self.database_url or url_of_file(_data_folder() / "ledger.sqlite")

    @property
    def spool_dir_or_default(self) -> Path:
        """The folder in which what could not be written waits: beside an SQLite file, else in the data folder."""
        if self.spool_dir is not None:
            return self.spool_dir
        database = DatabaseUrl.read(self.database_url_or_default)
        return (Path(database.path).parent if database.is_sqlite else _data_folder()) / "spool"

    @property
    def spool_folder(self) -> Path:
        """The folder inside the spool that belongs to the database: ledgers that share a spool keep apart."""
        place = DatabaseUrl.read(self.database_url_or_default).place
        return self.spool_dir_or_default / sha256(place.encode()).hexdigest()[:16]

    @property
    def spool_folders(self) -> tuple[Path, ...]:
        """The folder of the database's spool, and the one to write to while that cannot be written, if one is set."""
        second = self.spool_fallback_dir
        return (self.spool_folder, *((second / self.spool_folder.name,) if second is not None else ()))

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The names under which others ask for the service."""
        return (*self.allowed_hosts, *((urlsplit(self.public_url).hostname or "",) if self.public_url else ()))

    @property
    def is_public_https(self) -> bool:
        """Say whether browsers reach the service by https, whatever it is asked by in the end."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def app_names(self) -> tuple[str, ...]:
        """The names of all apps that are configured here."""
        has_own = self.app_key is not None or not self.apps
        return (*self.apps, *([DEFAULT_APP] if has_own and DEFAULT_APP not in self.apps else []))

    @property
    def has_app_for_any_robot(self) -> bool:
        """Say whether one app sends for every robot that no other one names."""
        is_only_one = len(self.apps) == 1 and not next(iter(self.apps.values())).robots
        return not self.apps or self.app_key is not None or is_only_one

    def app_of(self, robot: str | None) -> str:
        """Return the name of the app that sends for a robot; raise UnknownAppError when the settings name none.

        None is the robot of a send that named none. Which of several apps sent it nobody can say: the wrong one is
        refused, and that is told of the message alone.
        """
        if robot is None and self.apps:
            return DEFAULT_APP if self.app_key is not None else next(iter(self.apps))
        for name, app in self.apps.items():
            if robot in app.robots:
                return name
        if self.has_app_for_any_robot:
            return next(iter(self.apps)) if self.apps and self.app_key is None else DEFAULT_APP
        raise UnknownAppError(
            f"no app is configured for robot {robot!r}: add it to `robots` of one of the apps {', '.join(self.apps)}"
        )

    def app(self, name: str) -> AppSettings:
        """Return one app with everything filled in from the common settings; raise UnknownAppError."""
        if name == DEFAULT_APP and name not in self.apps:
            own = AppSettings(app_key=self.app_key, app_secret=self.app_secret)
        elif name in self.apps:
            own = self.apps[name]
        else:
            raise UnknownAppError(
                f"app {name!r} is not configured here: add [apps.{name}] to the file of LEDGER_CONFIG"
            )
        return own.model_copy(
            update={
                "api_url": (own.api_url or self.api_url).rstrip("/"),
                "calls_per_second": own.calls_per_second or self.calls_per_second,
            }
        )

    def endpoint_setting(self, name: str) -> str:
        """Return which setting says where an app is asked."""
        own = self.apps.get(name)
        is_own = own is not None and own.api_url is not None
        return f"api_url of [apps.{name}] in the file of LEDGER_CONFIG" if is_own else "LEDGER_API_URL"

    def robot_of(self, name: str) -> str | None:
        """Return the robot of an app, for a send that did not name one: an internal app's has the code of its key."""
        app = self.app(name)
        robots = app.robots if len(app.robots) == 1 else (app.app_key, *app.robots)
        return next((robot for robot in robots if robot), None)

    def rate_of(self, name: str) -> float:
        """Return an app's allowed calls per second; an app that is not configured here has the common rate."""
        own = self.apps.get(name)
        return (own.calls_per_second if own else None) or self.calls_per_second


def given_by() -> str:
    """Say where the settings of this process come from; the names of variables, never their values."""
    path = path_of_file()
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    count = len(known & set(os.environ))
    file = f"the file {path}" if path else "no file (LEDGER_CONFIG is not set)"
    return f"{file}, {count or 'no'} LEDGER_ variable{'' if count == 1 else 's'}"


def _variables() -> Iterator[str]:
    """Yield the names of the LEDGER_ variables that somebody set."""
    for name, value in os.environ.items():
        is_ours = name.startswith(PREFIX) and value.strip()
        is_port = name.endswith("_PORT") and _PORT_OF_KUBERNETES.match(value)
        if is_ours and not is_port and not _OF_KUBERNETES.fullmatch(name):
            yield name


def _data_folder() -> Path:
    # Loaded late, as whatever only some settings want: each start of a command pays for it.
    import platformdirs

    try:
        folder = platformdirs.user_data_path("dingtalk-ledger")
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():
        raise SettingsError(
            "nobody knows your home folder, where the ledger would be (HOME is not set, and this user has no entry): "
            "set LEDGER_DATABASE_URL and LEDGER_SPOOL_DIR, or HOME"
        )
    return folder


def _in_file(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    content = read_file(path)
    settings = {name.lower().removeprefix(PREFIX.lower()): value for name, value in content.items()}
    if len(settings) < len(content):
        raise SettingsError(f"{path} has a setting twice, with and without LEDGER_: leave one of them")
    sentences = [unknown(settings, known, f"setting in {path}:")]
    apps = settings.get("apps", {})
    if not isinstance(apps, dict) or not all(isinstance(app, dict) for app in apps.values()):
        raise SettingsError(f"apps in {path} are written as tables: [apps.NAME], and its settings below")
    for name, app in apps.items():
        sentences.append(unknown(app, AppSettings.model_fields, f"setting in {path}, [apps.{name}]:"))
    if any(sentences):
        raise SettingsError("; ".join(filter(None, sentences)))
    return settings


def _say(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    sentence = sentence_of(name, error)
    return f"{name if '.' in name else PREFIX + name.upper()}: {sentence}" if name else sentence
