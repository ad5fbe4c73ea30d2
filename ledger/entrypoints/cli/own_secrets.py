"""What the ledger knows and a sender need not: secrets of ours in the environment that `ledger run` was started with.

The recorder inside a sender writes to the spool or to the companion, which keeps its settings, so that it needs none of
them. What stays out of the environment is in no report of a crash, no child's and nobody's `ps e`.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr

from ledger.database_url import without_password
from ledger.services.access.actor import TOKEN_VARIABLE
from ledger.settings import PREFIX, AppSettings, Settings

if TYPE_CHECKING:
    from pydantic import BaseModel

DATABASE_URL, APPS = "database_url", "apps"
_TOKEN = TOKEN_VARIABLE.removeprefix(PREFIX).lower()


def without_secrets(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without them: of a database only the password goes, of apps only what is secret."""
    kept = {}
    secret = secrets_of(Settings) | {_TOKEN}
    for name, value in given.items():
        # As the settings are read: in letters of any size.
        setting = name.upper().removeprefix(PREFIX).lower() if name.upper().startswith(PREFIX) else ""
        if setting == DATABASE_URL:
            kept[name] = without_password(value)
        elif setting == APPS:
            kept[name] = _apps(value)
        elif setting not in secret:
            kept[name] = value
    return kept


def secrets_of(kind: "type[BaseModel]") -> frozenset[str]:
    """Return the names of settings that are secret, or may hold a secret, and so are never shown."""
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        if not field.repr or SecretStr in (field.annotation, *get_args(field.annotation))
    )


def _apps(value: str) -> str:
    """Return the apps of a variable without their secrets; none where it is empty."""
    if not value.strip():
        return value
    secret, apps = secrets_of(AppSettings), json.loads(value)
    shown: dict[str, Any] = {
        name: {key: one for key, one in app.items() if key not in secret} for name, app in apps.items()
    }
    return json.dumps(shown)
