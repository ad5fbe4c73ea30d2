"""Why a recall pauses, in words: what DingTalk answered, what somebody has to do, and how it goes on."""

from ledger.errors import (
    AddressNotAllowedError,
    CredentialsError,
    PausedError,
    PermissionDeniedError,
    QuotaUsedUpError,
)


def quota_used_up(answered: str) -> QuotaUsedUpError:
    """Return the pause of an organisation without calls left this month."""
    return QuotaUsedUpError(
        f"the organisation's monthly quota of API calls is used up ({answered}). Buy more or wait for the next month, "
        "then `ledger resume`"
    )


def address_not_allowed(answered: str) -> AddressNotAllowedError:
    """Return the pause of a machine whose address the app does not accept."""
    return AddressNotAllowedError(
        f"the app does not accept calls from this machine ({answered}). Add its address to the app's server exit "
        "addresses in the developer console, then `ledger resume`"
    )


def wrong_credentials(answered: str) -> CredentialsError:
    """Return the pause of an app whose key or secret DingTalk does not know."""
    return CredentialsError(
        f"the app's key or secret is wrong ({answered}). Fix LEDGER_APP_KEY and LEDGER_APP_SECRET, then `ledger resume`"
    )


def permission_missing(answered: str, scopes: str) -> PermissionDeniedError:
    """Return the pause of an app that may not recall."""
    return PermissionDeniedError(
        f"the app lacks a permission ({answered}). Grant {scopes} in the developer console, then `ledger resume`"
    )


def wrong_endpoint(status: int, answered: str) -> PausedError:
    """Return the pause of a recall whose calls arrive somewhere that is not DingTalk."""
    return PausedError(
        f"the endpoint answered {status} to a recall ({answered}), which DingTalk never does. "
        "Check LEDGER_API_URL, then `ledger resume`"
    )


def every_key_refused(answered: str) -> PausedError:
    """Return the pause of a recall of which every key is refused for a reason that no page explains."""
    return PausedError(
        f"DingTalk refuses every key with a code that no page explains ({answered}), and each "
        "refusal costs calls. Look at `ledger show`, then `ledger resume` or `ledger cancel`"
    )
