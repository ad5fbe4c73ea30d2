"""Why a recall pauses, in words: what DingTalk answered, what somebody has to do, and how it goes on."""

import re

from ledger.core.recalls.pause_texts import TEXTS, Cause
from ledger.errors import (
    AddressNotAllowedError,
    CertificateError,
    CredentialsError,
    LedgerError,
    PausedError,
    PermissionDeniedError,
    ProxyRefusedError,
    QuotaUsedUpError,
)

_SAID = "DingTalk said "
ENDPOINT = "LEDGER_API_URL"
_NEXT_STEP = re.compile(r"(, then|\. Then|:) `ledger resume( \d+)?`( goes on| or `ledger cancel`)?$")
_OWN_SETTINGS = "LEDGER_APP_KEY and LEDGER_APP_SECRET"
_COMMANDS = {"resume": "`ledger resume`", "cancel": "`ledger cancel`"}


def quota_used_up(answered: str) -> QuotaUsedUpError:
    """Return the pause of an organisation without calls left this month."""
    return QuotaUsedUpError(_text(Cause.QUOTA_USED_UP, answered), answered=_words(answered))


def address_not_allowed(answered: str) -> AddressNotAllowedError:
    """Return the pause of a machine whose address the app does not accept."""
    return AddressNotAllowedError(_text(Cause.ADDRESS_NOT_ALLOWED, answered), answered=_words(answered))


def wrong_credentials(answered: str) -> CredentialsError:
    """Return the pause of an app whose key or secret DingTalk does not know."""
    return CredentialsError(_text(Cause.CREDENTIALS, answered, credentials=_OWN_SETTINGS), answered=_words(answered))


def permission_missing(answered: str, scopes: str) -> PermissionDeniedError:
    """Return the pause of an app that may not recall."""
    text = _text(Cause.PERMISSION, answered, scopes=scopes)
    return PermissionDeniedError(text, answered=_words(answered), scopes=scopes)


def held_back(seconds: float) -> PausedError:
    """Return why nothing is asked now that can as well be asked later."""
    return PausedError(
        f"DingTalk wants no calls for another {seconds:,.0f} s, and a question can wait: ask again after that. "
        "What was answered is kept"
    )


def wrong_endpoint(status: int, answered: str) -> PausedError:
    """Return the pause of calls that arrive somewhere that is not DingTalk."""
    return _paused(Cause.WRONG_ENDPOINT, f"{status}: {answered}", setting=ENDPOINT)


def proxy_refuses(proxy: str, answered: str) -> ProxyRefusedError:
    """Return the pause of calls that a proxy answers itself: it wants a login, or forbids them."""
    return ProxyRefusedError(_text(Cause.PROXY, answered, proxy=proxy), answered=answered)


def certificate_not_trusted(endpoint: str, detail: str) -> CertificateError:
    """Return the pause of calls to an endpoint whose certificate this machine does not trust."""
    return CertificateError(_text(Cause.CERTIFICATE, detail, endpoint=endpoint, setting=ENDPOINT))


def certificates_unreadable(variable: str, path: str, detail: str) -> CertificateError:
    """Return the pause of a machine that was told to trust what it cannot read."""
    return CertificateError(
        f"{variable} names {path}, {detail}. Name certificates in PEM form, or unset it, then `ledger resume`"
    )


def every_key_refused(answered: str) -> PausedError:
    """Return the pause of a recall of which every key is refused for a reason that no page explains."""
    return _paused(Cause.EVERY_KEY_REFUSED, answered)


def text_refused(answered: str) -> PausedError:
    """Return the pause of a correction whose text DingTalk does not take: asking again says the same."""
    return _paused(Cause.TEXT_REFUSED, answered)


def robot_refused(answered: str) -> PausedError:
    """Return the pause of a correction whose robot may not write to people one by one."""
    return _paused(Cause.ROBOT_REFUSED, answered)


def send_refused(answered: str) -> PausedError:
    """Return the pause of a correction that is refused for a reason that no page explains."""
    return _paused(Cause.SEND_REFUSED, answered)


def not_reached(why: str) -> PausedError:
    """Return the pause of calls that never left, however often that was tried."""
    return PausedError(_text(Cause.NOT_REACHED, why), cause=Cause.NOT_REACHED)


def _paused(cause: Cause, answered: str, **named: str) -> PausedError:
    return PausedError(_text(cause, answered, **named), answered=answered, cause=cause)


def _text(cause: Cause, answered: str, **named: str) -> str:
    """Say what is wrong, what was answered, what fixes it, and the command that goes on."""
    text = TEXTS["en"][cause]
    wrong, fix = (part.format_map({**_COMMANDS, **named}) for part in (text.wrong, text.fix))
    fix = fix if fix.startswith("`") else f"{fix[0].upper()}{fix[1:]}"
    return f"{wrong} ({answered}). {fix}" + (", then `ledger resume`" if text.resumes else "")


def _words(answered: str) -> str:
    return answered.removeprefix(_SAID)


def without_next_step(text: str) -> str:
    """Return why a recall pauses without the command that goes on, where that is said beside it."""
    return _NEXT_STEP.sub("", text)


def facts_of(error: LedgerError, app: str | None = None, endpoint: str = ENDPOINT) -> dict[str, str]:
    """Return what a recall that pauses keeps of an error: its code and text, whose app, and the words of who refused.

    An error without a code of its own has its `cause` beside it, a missing permission its code in `scopes`.

    `app` is one that has a name of its own in the settings; None for the one of the environment. `endpoint` is the
    setting that says where it is asked.
    """
    beside = {name: getattr(error, name, None) for name in ("cause", "answered", "scopes")} | {"app": app}
    facts = {"code": error.code, "message": text_of(error, app, endpoint)}
    return facts | {name: text for name, text in beside.items() if text}


def text_of(error: LedgerError, app: str | None = None, endpoint: str = ENDPOINT) -> str:
    """Return what an error says, with the name of the app and the settings that are its own."""
    text = str(error).replace(ENDPOINT, endpoint)
    if not app:
        return text
    text = text.replace(_OWN_SETTINGS, f"app_key and app_secret of [apps.{app}] in the file of LEDGER_CONFIG")
    return re.sub(r"\bthe app\b", f"the app {app}", text, count=1)
