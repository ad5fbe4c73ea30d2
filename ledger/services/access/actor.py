"""Who is at work where nobody signs in: on the command line, in a program, at this machine."""

import getpass
import os
from typing import TYPE_CHECKING

from ledger.core.access.actors import check_actor
from ledger.core.access.roles import Identity, Permission, Role
from ledger.errors import ForbiddenError, InputError

if TYPE_CHECKING:
    from ledger.services.access.tokens import ServiceTokens

TOKEN_VARIABLE = "LEDGER_TOKEN"  # noqa: S105  (the name of a variable)


def who_acts(actor: str | None) -> str:
    """Return who does something, named or the default one; raise InputError for a name that the history cannot keep."""
    return check_actor(actor or default_actor())


def default_actor() -> str:
    """Return who is at work: LEDGER_ACTOR, or the name of the operating system's user; raise InputError without."""
    try:
        return os.environ.get("LEDGER_ACTOR", "").strip() or getpass.getuser()
    except (KeyError, OSError):
        raise InputError("nobody can tell who you are here: say it with --actor or LEDGER_ACTOR") from None


def who_shows(tokens: "ServiceTokens", permission: Permission, actor: str | None, token: str | None = None) -> Identity:
    """Return who does something that takes a permission; raise as `who_comes` does, and ForbiddenError without it."""
    identity = who_comes(tokens, actor, token)
    if not identity.may(permission):
        raise ForbiddenError(f"{identity.name} is {identity.role}, which may not {permission}: take another token")
    return identity


def who_comes(tokens: "ServiceTokens", actor: str | None, token: str | None = None) -> Identity:
    """Return who is there: by a token, or the one in LEDGER_TOKEN, and else only by name, who may everything.

    Raise UnauthenticatedError for a token that does not work, and InputError when somebody else is named beside it.
    """
    secret = _secret(token)
    if not secret:
        return Identity(name=who_acts(actor), role=Role.ADMIN)
    identity = tokens.identify(secret)
    if actor is not None and actor != identity.name:
        raise InputError(f"the token is {identity.name}'s, and the actor is to be {actor}: leave one of them out")
    return identity


def shows_token(token: str | None) -> bool:
    """Say whether somebody shows a token: this one, or the one in LEDGER_TOKEN."""
    return bool(_secret(token))


def _secret(token: str | None) -> str:
    return (token if token is not None else os.environ.get(TOKEN_VARIABLE, "")).strip()
