"""Apps, their secrets and the access tokens that they were given.

Source: the pages on the access token of an internal app and of an authorised organisation at open.dingtalk.com.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .ids import IdMaker
from .refusals import Refusal

OWN_ORGANISATION = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One access token: whose it is, which organisation it opens, and until when."""

    text: str
    app: str
    organisation: str
    expires_at: datetime


class TokenDesk:
    """Gives tokens out and knows them again."""

    def __init__(self, ids: IdMaker, apps: Mapping[str, str] | None = None) -> None:
        self._ids = ids
        self.apps: dict[str, str] | None = None if apps is None else dict(apps)
        self._tokens: dict[str, Token] = {}
        self._of_app: dict[str, str] = {}

    def internal(self, app: str, now: datetime, life: timedelta, *, renews: bool) -> Token:
        """Return the app's living token, or a new one."""
        held = self._tokens.get(self._of_app.get(app, ""))
        if held is None or held.expires_at <= now:
            held = self.corporate(app, OWN_ORGANISATION, now + life)
            self._of_app[app] = held.text
        elif renews:
            held = self._tokens[held.text] = replace(held, expires_at=now + life)
        return held

    def corporate(self, app: str, organisation: str, expires_at: datetime) -> Token:
        """Return a new token of an app for one organisation."""
        token = Token(text=self._ids.token(), app=app, organisation=organisation, expires_at=expires_at)
        self._tokens[token.text] = token
        return token

    def find(self, text: str) -> Token | None:
        """Return a token, living or not, or None for a text that never was one."""
        return self._tokens.get(text)

    def revoke(self) -> int:
        """End every token before its time; return how many there were."""
        count = len(self._tokens)
        self._tokens.clear()
        self._of_app.clear()
        return count

    def checked(self, app: object, secret: object) -> str:
        """Return the name of an app whose secret is right; raise Refusal."""
        if not (isinstance(app, str) and isinstance(secret, str) and app and secret):
            raise Refusal("invalidClientIdOrSecret")
        if self.apps is not None and self.apps.get(app) != secret:
            raise Refusal("invalidClientIdOrSecret")
        return app
