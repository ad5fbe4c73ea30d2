"""What can be set, from the environment or the TOML file that LEDGER_CONFIG names; checked whole at the start."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, urlsplit

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from ledger.errors import SettingsError, UnknownAppError

PREFIX = "LEDGER_"
DEFAULT_APP = "default"
# Variables of ours that are no settings of the ledger itself.
_OTHER_VARIABLES = {"LEDGER_CONFIG", "LEDGER_ACTOR", "LEDGER_DEBUG", "LEDGER_TEST_BROWSER", "LEDGER_TEST_DATABASE_URL"}


def _with_readable_port(url: str) -> str:
    _ = urlsplit(url).port  # raises ValueError
    return url


def _split(value: object) -> object:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


_Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+"), AfterValidator(_with_readable_port)]
_Rate = Annotated[float, Field(ge=0.01, le=1000)]


class AppSettings(BaseModel):
    """One app at DingTalk: its robots, its credentials, its endpoint and its rate.

    An internal app has `app_key` and `app_secret`; a third-party app has the four `suite_` and `auth_` values, with
    the ticket either here or in a file that the receiver of DingTalk's push keeps up to date.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    robots: tuple[str, ...] = ()
    app_key: str | None = None
    app_secret: SecretStr | None = None
    suite_key: str | None = None
    suite_secret: SecretStr | None = None
    auth_corp_id: str | None = None
    suite_ticket: SecretStr | None = None
    suite_ticket_file: Path | None = None
    api_url: _Url | None = None
    calls_per_second: _Rate | None = None


class Settings(BaseSettings):
    """All settings, with units in their names; each is also an environment variable LEDGER_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    database_url: Annotated[str, Field(repr=False)] = ""
    api_url: _Url = "https://api.dingtalk.com"
    app_key: str | None = None
    app_secret: SecretStr | None = None
    calls_per_second: _Rate = 20.0
    monthly_calls: Annotated[int, Field(ge=1)] = 5000
    quota_reserve_calls: Annotated[int, Field(ge=0)] = 0
    margin_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    spool_dir: Path | None = None
    spool_fallback_dir: Path | None = None
    group_window_hours: Annotated[float, Field(gt=0, le=24)] = 24.0
    plan_valid_seconds: Annotated[float, Field(gt=0, le=86400)] = 900.0
    calls_in_flight: Annotated[int, Field(ge=1, le=256)] = 16
    http_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    approval_recipients: Annotated[int | None, Field(ge=0)] = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    request_max_bytes: Annotated[int, Field(ge=1000)] = 20_000_000
    connections_max: Annotated[int, Field(ge=1, le=60_000)] = 1000
    connections_per_address_max: Annotated[int, Field(ge=1, le=60_000)] = 500
    requests_recording: Annotated[int, Field(ge=1, le=64)] = 8
    database_patience_seconds: Annotated[float, Field(ge=0, le=60)] = 15.0
    gateway_key: SecretStr | None = None
    gateway_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    gateway_connections: Annotated[int, Field(ge=1, le=10_000)] = 256
    apps: dict[str, AppSettings] = Field(default_factory=dict)

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read the settings; what is given here wins over the environment, and that over the file.

        Raise SettingsError naming every setting that is unknown (with the nearest known one) or out of its range.
        """
        names = {PREFIX + name.upper() for name in cls.model_fields}
        _refuse_unknown((name for name in os.environ if name.startswith(PREFIX)), names | _OTHER_VARIABLES, "variable")
        try:
            return cls(**given)
        except ValidationError as error:
            raise SettingsError("; ".join(_say(detail["loc"], detail["msg"]) for detail in error.errors())) from None
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
        path = os.environ.get("LEDGER_CONFIG")
        from_file = InitSettingsSource(
            settings_cls, init_kwargs=_read_file(Path(path), cls.model_fields) if path else {}
        )
        return init_settings, env_settings, from_file

    @property
    def database_url_or_default(self) -> str:
        """The SQLAlchemy URL; without a setting, an SQLite file in the user's data folder."""
        return self.database_url or f"sqlite:///{_data_folder() / 'ledger.sqlite'}"

    @property
    def spool_dir_or_default(self) -> Path:
        """The folder in which what could not be written waits: beside an SQLite file, else in the data folder."""
        if self.spool_dir is not None:
            return self.spool_dir
        _, _, path = self.database_url_or_default.partition(":///")
        is_file = self.database_url_or_default.startswith("sqlite") and path and path != ":memory:"
        return (Path(path).parent if is_file else _data_folder()) / "spool"

    @property
    def spool_folder(self) -> Path:
        """The folder inside the spool that belongs to the database: ledgers that share a spool keep apart."""
        return self.spool_dir_or_default / _short_name(self.database_url_or_default)

    @property
    def spool_folders(self) -> tuple[Path, ...]:
        """The folder of the database's spool, and the one to write to while that cannot be written, if one is set."""
        second = self.spool_fallback_dir
        return (self.spool_folder, *((second / self.spool_folder.name,) if second is not None else ()))

    @property
    def app_names(self) -> tuple[str, ...]:
        """The names of all apps that are configured here."""
        has_own = self.app_key is not None or not self.apps
        return (*self.apps, *([DEFAULT_APP] if has_own and DEFAULT_APP not in self.apps else []))

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
        if not self.apps or self.app_key is not None:
            return DEFAULT_APP
        if len(self.apps) == 1 and not next(iter(self.apps.values())).robots:
            return next(iter(self.apps))
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
    path = os.environ.get("LEDGER_CONFIG")
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    count = len(known & set(os.environ))
    file = f"the file {path}" if path else "no file (LEDGER_CONFIG is not set)"
    return f"{file}, {count or 'no'} LEDGER_ variable{'' if count == 1 else 's'}"


def _short_name(database_url: str) -> str:
    """Name a database by where it is, whoever connects to it and how."""
    parts = urlsplit(database_url)
    if parts.scheme.startswith("sqlite"):
        where = str(Path(database_url.partition(":///")[2]).absolute())
    else:
        query = parse_qs(parts.query)
        host = parts.hostname or "".join(query.get("host", ()))
        where = f"{host}:{parts.port or ''.join(query.get('port', ())) or 5432}{parts.path}"
    return sha256(where.encode()).hexdigest()[:16]


def _data_folder() -> Path:
    return platformdirs.user_data_path("dingtalk-ledger")


def _read_file(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"LEDGER_CONFIG names {path}, which cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    settings = {name.lower().removeprefix(PREFIX.lower()): value for name, value in content.items()}
    _refuse_unknown(settings, known, f"setting in {path}:")
    apps = settings.get("apps", {})
    if not isinstance(apps, dict) or not all(isinstance(app, dict) for app in apps.values()):
        raise SettingsError(f"apps in {path} are written as tables: [apps.NAME], and its settings below")
    for name, app in apps.items():
        _refuse_unknown(app, AppSettings.model_fields, f"setting in {path}, [apps.{name}]:")
    return settings


def _refuse_unknown(names: Iterable[str], known: Iterable[str], what: str) -> None:
    known = sorted(known)
    text = []
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            text.append(f"unknown {what} {name}" + (f" (did you mean {near[0]}?)" if near else ""))
    if text:
        raise SettingsError("; ".join(sorted(text)))


def _say(where: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in where)
    return f"{name if '.' in name else PREFIX + name.upper()}: {message[0].lower()}{message[1:]}"
