"""The check-up: is everything there that a recall needs, and if not, what mends it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from ledger.clock import Clock
from ledger.core.reply import Answer, NoAnswer, error_of, is_throttled, is_token_refused, read_refusal
from ledger.core.shown import Shown
from ledger.dingtalk.client import Client
from ledger.dingtalk.tokens import Tokens
from ledger.errors import LedgerError
from ledger.settings import Settings
from ledger.spool.spool import REFUSED, Spool
from ledger.store import migrate
from ledger.store.database import Database
from ledger.store.messages import any_robot_of
from ledger.store.schema import REVISION

# The Date header has whole seconds, and the answer was under way for a moment.
CLOCK_TOLERANCE_SECONDS = 3.0
PROBE_KEY = "dingtalk-ledger-doctor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Shown):
    """One thing looked at: whether it is well, what was found, and what to do when it is not."""

    name: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckUp(Shown):
    """All checks; `ok` when every one is."""

    ok: bool
    checks: tuple[Check, ...]


class Doctor:
    """Looks at everything that a recall needs."""

    def __init__(self, database: Database, client: Client, tokens: Tokens, clock: Clock, settings: Settings) -> None:
        self._database, self._client, self._tokens = database, client, tokens
        self._clock, self._settings = clock, settings

    def run_once(self) -> CheckUp:
        """Check the database, each app's credentials, permission and clock, and the spool."""
        checks = [_checked("database", self._database_state), _checked("spool", self._spool_state)]
        apps = self._settings.app_names
        for app in apps:
            checks += self._check_app(app, "" if len(apps) == 1 else f" of app {app}")
        return CheckUp(ok=all(check.ok for check in checks), checks=tuple(checks))

    def _database_state(self) -> str:
        found = migrate.current(self._database)
        if found is None and self._database.is_sqlite:
            migrate.ensure(self._database)
            return f"{self._database.shown_url}, created with tables of version {REVISION}"
        migrate.ensure(self._database)
        return f"{self._database.shown_url}, tables of version {found}"

    def _spool_state(self) -> str:
        folder = self._settings.spool_folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"probe")
        except OSError as error:
            raise LedgerError(
                f"{folder} cannot be written ({error.strerror}): mend it or set LEDGER_SPOOL_DIR"
            ) from None
        depth = Spool(folder).depth()
        if depth.refused_bytes:
            raise LedgerError(
                f"{folder / REFUSED} holds lines that are no messages: record by hand what can be, then delete it"
            )
        return f"{folder} can be written, {depth.files} journals with {depth.bytes:,} bytes"

    def _check_app(self, app: str, of_app: str) -> list[Check]:
        try:
            token = self._tokens.get(app)
        except LedgerError as error:
            return [Check(name=f"credentials{of_app}", ok=False, found=str(error))]
        endpoint = self._settings.app(app).api_url or ""
        if isinstance(token, NoAnswer):
            found = f"{endpoint} gave no answer ({token.reason}): check the network and LEDGER_API_URL"
            return [Check(name=f"credentials{of_app}", ok=False, found=found)]
        credentials = Check(name=f"credentials{of_app}", ok=True, found=f"{endpoint} gave an access token")
        robot = self._robot_of(app)
        if robot is None:
            found = "not tried: record a message or name `robots` of the app, then the permission can be tried"
            return [credentials, Check(name=f"permission{of_app}", ok=True, found=found)]
        # Asking who read a message that never was changes nothing and needs the permission that a recall needs.
        answer = self._client.read_status(endpoint, token.value, robot, PROBE_KEY)
        return [credentials, _permission(answer, of_app), *self._clock_check(answer, of_app)]

    def _robot_of(self, app: str) -> str | None:
        robots = self._settings.app(app).robots
        if robots:
            return robots[0]
        try:
            with self._database.read() as connection:
                return any_robot_of(connection, lambda robot: self._settings.app_of(robot) == app)
        except LedgerError:
            return None

    def _clock_check(self, answer: Answer | NoAnswer, of_app: str) -> list[Check]:
        if isinstance(answer, NoAnswer) or answer.server_time is None:
            return []
        skew = (self._clock.now() - answer.server_time).total_seconds()
        ok = abs(skew) <= CLOCK_TOLERANCE_SECONDS
        told = "agrees with" if ok else f"is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'}"
        mend = "" if ok else ": deadlines are off by as much; synchronise it (NTP)"
        return [Check(name=f"clock{of_app}", ok=ok, found=f"this machine's clock {told} DingTalk's{mend}")]


def _permission(answer: Answer | NoAnswer, of_app: str) -> Check:
    name = f"permission{of_app}"
    if isinstance(answer, NoAnswer):
        return Check(name=name, ok=False, found=f"no answer ({answer.reason}): try again")
    if answer.status == 200 or (answer.status == 400 and not is_token_refused(answer)):
        return Check(name=name, ok=True, found="the app may recall (read status was allowed)")
    said = ": ".join(error_of(answer))
    error = None if is_throttled(answer) else read_refusal(answer)
    return Check(name=name, ok=False, found=str(error) if error else f"DingTalk said {said}: try again")


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, found=look())
    except LedgerError as error:
        return Check(name=name, ok=False, found=str(error))
