"""Why a recall pauses, in words: what DingTalk answered, what somebody has to do, and how it goes on."""

import re

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


def quota_used_up(answered: str) -> QuotaUsedUpError:
    """Return the pause of an organisation without calls left this month."""
    return QuotaUsedUpError(
        f"the organisation's monthly quota of API calls is used up ({answered}). Buy more or wait for the next month, "
        "then `ledger resume`",
        answered=_words(answered),
    )


def address_not_allowed(answered: str) -> AddressNotAllowedError:
    """Return the pause of a machine whose address the app does not accept."""
    return AddressNotAllowedError(
        f"the app does not accept calls from this machine ({answered}). Add its address to the app's server exit "
        "addresses in the developer console, then `ledger resume`",
        answered=_words(answered),
    )


def wrong_credentials(answered: str) -> CredentialsError:
    """Return the pause of an app whose key or secret DingTalk does not know."""
    return CredentialsError(
        f"the app's key or secret is wrong ({answered}). Fix {_OWN_SETTINGS}, then `ledger resume`",
        answered=_words(answered),
    )


def permission_missing(answered: str, scopes: str) -> PermissionDeniedError:
    """Return the pause of an app that may not recall."""
    return PermissionDeniedError(
        f"the app lacks a permission ({answered}). Grant {scopes} in the developer console, then `ledger resume`",
        answered=_words(answered),
    )


def held_back(seconds: float) -> PausedError:
    """Return why nothing is asked now that can as well be asked later."""
    return PausedError(
        f"DingTalk wants no calls for another {seconds:,.0f} s, and a question can wait: ask again after that. "
        "What was answered is kept"
    )


def wrong_endpoint(status: int, answered: str) -> PausedError:
    """Return the pause of calls that arrive somewhere that is not DingTalk."""
    return PausedError(
        f"the endpoint answered {status} to a call ({answered}), which DingTalk never does. "
        "Check LEDGER_API_URL, then `ledger resume`",
        answered=answered,
    )


def proxy_refuses(proxy: str, answered: str) -> ProxyRefusedError:
    """Return the pause of calls that a proxy answers itself: it wants a login, or forbids them."""
    return ProxyRefusedError(
        f"the proxy {proxy} does not let calls through ({answered}). Fix its login in HTTPS_PROXY or HTTP_PROXY, or "
        "exempt the endpoint in NO_PROXY, then `ledger resume`",
        answered=answered,
    )


def certificate_not_trusted(endpoint: str, detail: str) -> CertificateError:
    """Return the pause of calls to an endpoint whose certificate this machine does not trust."""
    return CertificateError(
        f"the certificate of {endpoint} is not trusted here ({detail}). If your company inspects HTTPS, name its CA "
        "in SSL_CERT_FILE; else check LEDGER_API_URL and the clock. Then `ledger resume`"
    )


def certificates_unreadable(variable: str, path: str, detail: str) -> CertificateError:
    """Return the pause of a machine that was told to trust what it cannot read."""
    return CertificateError(
        f"{variable} names {path}, {detail}. Name certificates in PEM form, or unset it, then `ledger resume`"
    )


def every_key_refused(answered: str) -> PausedError:
    """Return the pause of a recall of which every key is refused for a reason that no page explains."""
    return PausedError(
        f"DingTalk refuses every key with a code that no page explains ({answered}), and each "
        "refusal costs calls. Look at `ledger show`, then `ledger resume` or `ledger cancel`",
        answered=answered,
    )


def text_refused(answered: str) -> PausedError:
    """Return the pause of a correction whose text DingTalk does not take: asking again says the same."""
    return PausedError(
        f"DingTalk does not take this text ({answered}). `ledger cancel` the correction, then correct with another "
        "one, which goes to those who got none yet",
        answered=answered,
    )


def robot_refused(answered: str) -> PausedError:
    """Return the pause of a correction whose robot may not write to people one by one."""
    return PausedError(
        f"the robot may not write to people one by one ({answered}). Let it, in the developer console, then "
        "`ledger resume`",
        answered=answered,
    )


def send_refused(answered: str) -> PausedError:
    """Return the pause of a correction that is refused for a reason that no page explains."""
    return PausedError(
        f"DingTalk refuses to send it ({answered}), and each refusal costs a call. See to that, then `ledger resume`, "
        "or `ledger cancel`",
        answered=answered,
    )


def not_reached(why: str) -> PausedError:
    """Return the pause of calls that never left, however often that was tried."""
    return PausedError(f"DingTalk cannot be reached from here ({why}). See to the network, then `ledger resume`")


def _words(answered: str) -> str:
    return answered.removeprefix(_SAID)


def without_next_step(text: str) -> str:
    """Return why a recall pauses without the command that goes on, where that is said beside it."""
    return _NEXT_STEP.sub("", text)


def facts_of(error: LedgerError, app: str | None = None, endpoint: str = ENDPOINT) -> dict[str, str]:
    """Return what a recall that pauses keeps of an error: its code and text, whose app, and the words of who refused.

    `app` is one that has a name of its own in the settings; None for the one of the environment. `endpoint` is the
    setting that says where it is asked.
    """
    answered = getattr(error, "answered", None)
    facts = {"code": error.code, "message": text_of(error, app, endpoint)}
    return facts | ({"app": app} if app else {}) | ({"answered": answered} if answered else {})


def text_of(error: LedgerError, app: str | None = None, endpoint: str = ENDPOINT) -> str:
    """Return what an error says, with the name of the app and the settings that are its own."""
    text = str(error).replace(ENDPOINT, endpoint)
    if not app:
        return text
    text = text.replace(_OWN_SETTINGS, f"app_key and app_secret of [apps.{app}] in the file of LEDGER_CONFIG")
    return re.sub(r"\bthe app\b", f"the app {app}", text, count=1)
