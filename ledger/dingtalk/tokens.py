"""Access tokens: one per app, shared by all threads, renewed before its end and once when it is refused.

Sources: open.dingtalk.com, "get the access token of an internal app", "get the access token of an authorised company".
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isnan
from typing import TypeGuard

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer, error_of, is_throttled, read_proxy, read_refusal
from ledger.dingtalk.client import TOKEN_FIELD, Client
from ledger.dingtalk.credentials import own_credentials, suite_credentials
from ledger.errors import CredentialsError
from ledger.settings import AppSettings, Settings

RENEW_BEFORE_SECONDS = 300
USUAL_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 7200.0, 24 * 3600.0
REFUSALS_BEFORE_GIVING_UP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DingTalkToken:
    """An access token; its value never shows in a representation."""

    value: str = field(repr=False)
    renew_at: datetime


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: DingTalkToken | None = None
    refusals: int = 0


class DingTalkTokens:
    """The tokens of all apps."""

    def __init__(self, client: Client, settings: Settings, clock: Clock) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def get(self, app: str) -> DingTalkToken | NoAnswer:
        """Return an app's token, or the absence of an answer; raise PausedError when somebody must fix something."""
        kept = self._of(app)
        with kept.lock:
            if kept.token is None or self._clock.now() >= kept.token.renew_at:
                fetched = self._fetch(app)
                if isinstance(fetched, NoAnswer):
                    return fetched
                kept.token = fetched
            return kept.token

    def refuse(self, app: str, token: DingTalkToken, text: str) -> None:
        """Forget a token that DingTalk refused; raise CredentialsError when new ones are refused as well.

        Many calls may have left with the same token: only the first of their refusals counts.
        """
        kept = self._of(app)
        with kept.lock:
            if kept.token is token:
                kept.token = None
                kept.refusals += 1
            if kept.refusals > REFUSALS_BEFORE_GIVING_UP:
                kept.refusals = 0
                raise CredentialsError(
                    f"DingTalk refuses the access tokens that it has just given to app {app!r} ({text}). "
                    f"Check that {self._settings.endpoint_setting(app)} is the endpoint of this app's organisation, "
                    "then `ledger resume`"
                )

    def accept(self, app: str) -> None:
        """Note that an app's token works."""
        self._of(app).refusals = 0

    def _of(self, app: str) -> _Kept:
        with self._lock:
            return self._kept.setdefault(app, _Kept())

    def _fetch(self, name: str) -> DingTalkToken | NoAnswer:
        app = self._settings.app(name)
        answer = self._ask(name, app)
        if isinstance(answer, NoAnswer):
            return NoAnswer(reason=f"no access token: {answer.reason}", sent=False)
        body = answer.body if isinstance(answer.body, Mapping) else {}
        value, life = body.get(TOKEN_FIELD), _seconds(body.get("expireIn", USUAL_LIFE_SECONDS))
        if answer.status == 200 and _is_token(value):
            seconds = min(max(1, life - RENEW_BEFORE_SECONDS), LONGEST_LIFE_SECONDS)
            return DingTalkToken(value=value, renew_at=self._clock.now() + timedelta(seconds=seconds))
        return _refused(name, answer)

    def _ask(self, name: str, app: AppSettings) -> Answer | NoAnswer:
        assert app.api_url is not None  # noqa: S101  (settings fill it in)
        if app.suite_key:
            return self._client.third_party_token(app.api_url, suite_credentials(name, app))
        key, secret = own_credentials(name, app)
        return self._client.internal_token(app.api_url, key, secret)


def _is_token(value: object) -> TypeGuard[str]:
    """Say whether a value can travel in a header."""
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable()


def _seconds(life: object) -> float:
    """Return how long a token lives, also when that is written as a text; for what is no number, the usual time.

    One that ends sooner is refused once, and fetched anew.
    """
    if not isinstance(life, (int, float, str)):
        return USUAL_LIFE_SECONDS
    try:
        seconds = float(life)
    except (ValueError, OverflowError):
        return LONGEST_LIFE_SECONDS if isinstance(life, int) else USUAL_LIFE_SECONDS
    return 0.0 if isnan(seconds) else seconds


def _refused(name: str, answer: Answer) -> NoAnswer:
    if error := read_proxy(answer):
        raise error
    code, message = error_of(answer)
    if answer.status == 200 and (refusal := read_refusal(answer)):
        raise refusal
    if answer.status >= 500 or is_throttled(answer) or answer.status == 200:
        return NoAnswer(reason=f"no access token: {code}: {message}", sent=False)
    raise read_refusal(answer) or CredentialsError(
        f"DingTalk gives no access token to app {name!r} ({code}: {message}). "
        "Check its credentials, then `ledger resume`"
    )
