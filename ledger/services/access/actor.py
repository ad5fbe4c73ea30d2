"""Who is at work where nobody signs in: on the command line, in a program, at this machine."""

import getpass
import os

from ledger.core.actors import check_actor
from ledger.errors import InputError


def who_acts(actor: str | None) -> str:
    """Return who does something, named or the default one; raise InputError for a name that the history cannot keep."""
    return check_actor(actor or default_actor())


def default_actor() -> str:
    """Return who is at work: LEDGER_ACTOR, or the name of the operating system's user; raise InputError without."""
    try:
        return os.environ.get("LEDGER_ACTOR", "").strip() or getpass.getuser()
    except (KeyError, OSError):
        raise InputError("nobody can tell who you are here: say it with --actor or LEDGER_ACTOR") from None
