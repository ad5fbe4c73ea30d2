"""Whether an app has what it takes to ask DingTalk for a token; nothing is asked here."""

from typing import Any

from ledger.errors import CredentialsError
from ledger.settings import AppSettings


def suite_credentials(name: str, app: AppSettings) -> dict[str, Any]:
    """Return what a third-party app shows DingTalk; raise CredentialsError for what it lacks."""
    body = {
        "suiteKey": app.suite_key,
        "suiteSecret": app.suite_secret.get_secret_value() if app.suite_secret else "",
        "authCorpId": app.auth_corp_id or "",
        "suiteTicket": _ticket(name, app),
    }
    missing = [wire for wire, value in body.items() if not value]
    if missing:
        raise CredentialsError(f"app {name!r} lacks {', '.join(missing)}: add them to [apps.{name}]")
    return body


def own_credentials(name: str, app: AppSettings) -> tuple[str, str]:
    """Return key and secret of an app of one's own; raise CredentialsError when one of them is missing."""
    if not app.app_key or not app.app_secret:
        raise CredentialsError(
            f"app {name!r} has no credentials: set LEDGER_APP_KEY and LEDGER_APP_SECRET "
            "(developer console, credentials of the app), or [apps.NAME] in the file of LEDGER_CONFIG"
        )
    return app.app_key, app.app_secret.get_secret_value()


def stream_credentials(name: str, app: AppSettings) -> tuple[str, str]:
    """Return the id and the secret that an app opens a Stream connection with; raise CredentialsError."""
    if not app.suite_key:
        return own_credentials(name, app)
    if app.suite_secret is None:
        raise CredentialsError(f"app {name!r} lacks suiteSecret: add it to [apps.{name}]")
    return app.suite_key, app.suite_secret.get_secret_value()


def check_credentials(name: str, app: AppSettings) -> None:
    """Raise CredentialsError when an app lacks what it takes to ask for a token."""
    if app.suite_key:
        suite_credentials(name, app)
    else:
        own_credentials(name, app)


def _ticket(name: str, app: AppSettings) -> str:
    if app.suite_ticket_file is None:
        return app.suite_ticket.get_secret_value() if app.suite_ticket else ""
    try:
        return app.suite_ticket_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CredentialsError(
            f"the suite ticket of app {name!r} cannot be read from {app.suite_ticket_file}: {error.strerror}"
        ) from None
