"""Which endpoint a request of a sender belongs to, when the apps of the settings have different ones."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from ledger.errors import UnknownAppError
from ledger.settings import Settings

_APP_FIELDS = {"appKey": "app_key", "suiteKey": "suite_key"}


class Endpoints:
    """The endpoints of the configured apps; with `app`, only that of one app. Raise UnknownAppError for a wrong name.

    A request says where it belongs by its `robotCode`, or, when it asks for a token, by its `appKey` or `suiteKey`.
    What says neither goes to the common endpoint.
    """

    def __init__(self, settings: Settings, app: str | None = None) -> None:
        self._settings = settings
        names = (app,) if app is not None else settings.app_names
        self._by_app = {name: _url_of(settings, name) for name in names}
        self.all = frozenset(self._by_app.values())
        common = settings.api_url.rstrip("/")
        self.common = next(iter(self.all)) if len(self.all) == 1 else common
        if len(self.all) > 1:
            self.all |= {common}

    @property
    def are_several(self) -> bool:
        """Whether it has to be known what a request says."""
        return len(self.all) > 1

    def of(self, body: bytes, query: bytes) -> str:
        """Return where a request goes."""
        if not self.are_several:
            return self.common
        message = _fields(body) or {name: values[0] for name, values in parse_qs(query.decode("latin-1")).items()}
        named = {self._by_app[name] for name in self._by_app if self._is_of(name, message)}
        return named.pop() if len(named) == 1 else self.common

    def _is_of(self, name: str, message: Mapping[str, Any]) -> bool:
        app = self._settings.app(name)
        if message.get("robotCode") in app.robots:
            return True
        return any(message.get(field) and message[field] == getattr(app, own) for field, own in _APP_FIELDS.items())


def _url_of(settings: Settings, name: str) -> str:
    url = settings.app(name).api_url
    if url is None:  # no app that was filled in lacks one
        raise UnknownAppError(f"app {name!r} has no endpoint: set LEDGER_API_URL")
    return url


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
