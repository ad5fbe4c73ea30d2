"""Policies: what decides for everybody who works with a database, whatever their own settings say."""

from enum import StrEnum

from ledger.errors import InputError

LARGEST_VALUE = 1_000_000_000
OFF = "off"


class PolicyName(StrEnum):
    """What can be decided for everybody."""

    APPROVAL_RECIPIENTS = "approval-recipients"  # a recall of more people or messages needs a second person
    AGENT_MOST_PEOPLE = "agent-most-people"  # agents of one person recall no more people or messages alone


def policy_name(text: str) -> PolicyName:
    """Return the policy of a name; raise InputError for none."""
    try:
        return PolicyName(text.strip().lower().replace("_", "-"))
    except ValueError:
        raise InputError(f"there is no policy {text!r}: there are {', '.join(PolicyName)}") from None


def policy_value(text: str) -> int | None:
    """Return what somebody wants a policy to be, None for off; raise InputError for what it cannot be."""
    if text.strip().lower() == OFF:
        return None
    if text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= len(str(LARGEST_VALUE)):
        value = int(text)
        if value <= LARGEST_VALUE:
            return value
    raise InputError(f"{text!r} is no number from 0 to {LARGEST_VALUE:,}, nor `{OFF}`")


def stricter(*limits: int | None) -> int | None:
    """Return the limit that counts when several are set: the lowest; None when none is."""
    return min((limit for limit in limits if limit is not None), default=None)
