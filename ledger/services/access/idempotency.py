"""Requests that may come twice: the second with the same key is answered as the first was, and does nothing."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from ledger.clock import Clock
from ledger.errors import DatabaseUnavailableError, KeyReusedError, RequestInProgressError
from ledger.store.access import idempotency
from ledger.store.database import Database

KEPT_FOR = timedelta(hours=24)
# Longer than any request takes: then whoever worked on it is gone, and it may be worked on again.
WORKED_ON_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotentRequest:
    """A request with a key: by whom, for what (a digest), and the name of this attempt at it."""

    scope: str
    key: str
    digest: str
    claim: str


KeptAnswer = tuple[int, str]


class IdempotentRequests:
    """Answers requests once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def once(self, request: IdempotentRequest, work: Callable[[], KeptAnswer]) -> KeptAnswer:
        """Do the work of a request and keep its answer, or return the answer that was kept.

        Raise KeyReusedError when the key came with another request, RequestInProgressError while somebody is at it.
        What fails is not kept: nothing was done, and the same request may come again.
        """
        now = self._clock.now()
        with self._database.write() as connection:
            asked = idempotency.claim(
                connection, request.scope, request.key, request.digest, request.claim, now, now + WORKED_ON_FOR
            )
        if asked.request_digest != request.digest:
            raise KeyReusedError("this Idempotency-Key came before, with another request: take a new key for each")
        if asked.status is not None:
            return asked.status, asked.body or ""
        if asked.claim != request.claim:
            raise RequestInProgressError("this request is being worked on: ask again in a moment")
        try:
            status, body = work()
        except DatabaseUnavailableError:
            # The claim stays: the same attempt comes again when the database is back.
            raise
        except BaseException:
            with suppress(DatabaseUnavailableError), self._database.write() as connection:
                idempotency.drop(connection, request.claim)
            raise
        with self._database.write() as connection:
            idempotency.keep(connection, request.claim, status, body, self._clock.now() + KEPT_FOR)
        return status, body


def digest_of(*parts: str | bytes) -> str:
    """Return what two requests have in common only when they are the same."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
