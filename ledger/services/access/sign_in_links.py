"""Links that sign somebody in once: what the first start of the service prints, so that the first look is one click.

They are kept in this process alone, as digests, and end with it: what was printed opens nothing afterwards.
"""

import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ledger.clock import Clock
from ledger.errors import UnauthenticatedError
from ledger.services.access.tokens import Session, digest_of

VALID_FOR = timedelta(minutes=10)


class SignInLinks:
    """Hands codes out, and gives for each, once and soon, the secret of the token that it stands for."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._waiting: dict[str, tuple[datetime, str]] = {}

    def make(self, token_secret: str) -> str:
        """Return a code that stands for a token."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            self._waiting[digest_of(code)] = self._clock.now() + VALID_FOR, token_secret
        return code

    def use(self, code: str, sign_in: Callable[[str], Session]) -> Session:
        """Sign in with the token that a code stands for; raise UnauthenticatedError when it was used, is old, or none.

        It counts as used once somebody is signed in: a database that is away leaves it for the next try.
        """
        digest = digest_of(code)
        with self._lock:
            until, secret = self._waiting.get(digest, (None, ""))
            if until is None or self._clock.now() > until:
                raise UnauthenticatedError("this link was used already, or is too old: sign in with a token")
            session = sign_in(secret)
            del self._waiting[digest]
        return session
