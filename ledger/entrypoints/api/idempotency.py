"""Idempotency-Key: a request that comes twice is answered twice and done once."""

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from ledger.entrypoints.http.door import parts_of, who_asks
from ledger.errors import DatabaseError
from ledger.parts import Parts
from ledger.services.access.idempotency import IdempotentRequest as Asked
from ledger.services.access.idempotency import digest_of

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A text of yours, new for each request. Within 24 hours the same request with it is answered as "
        "the first was, and not done again.",
    ),
]
REPEATED = "Idempotency-Replayed"


class Once:
    """Does the work of one request, once for each key."""

    def __init__(self, parts: Parts, request: Asked | None) -> None:
        self._parts, self._request = parts, request

    def __call__(
        self,
        status: int,
        work: Callable[[], BaseModel],
        *,
        is_repeatable: bool = False,
        kept_without: Sequence[str] = (),
    ) -> Response:
        """Return what the work gives as an answer, or the answer that was kept, in which secret fields are null.

        What is repeatable anyway is also done while the database cannot be used, without keeping its answer.
        """
        if self._request is None:
            return _answer(status, work().model_dump_json())
        answer: BaseModel | None = None

        def work_and_write() -> tuple[int, str]:
            nonlocal answer
            answer = work()
            return status, answer.model_copy(update=dict.fromkeys(kept_without)).model_dump_json()

        try:
            status, body = self._parts.idempotency.once(self._request, work_and_write)
        except DatabaseError:
            if not is_repeatable:
                raise
            return _answer(status, work().model_dump_json())
        if answer is None:
            return _answer(status, body, {REPEATED: "true"})
        return _answer(status, answer.model_dump_json())


def _answer(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


async def _once(request: Request, key: IdempotencyKey = None) -> Once:
    parts = parts_of(request)
    if key is None:
        return Once(parts, None)
    # Another attempt at this very request, because the database was away, is not a second request.
    claim = getattr(request.state, "claim", None) or uuid4().hex
    request.state.claim = claim
    who = who_asks(request)
    address = f"{request.method} {request.url.path}?{request.url.query}"
    digest = digest_of(address, request.headers.get("content-type", ""), await request.body())
    scope = f"token {who.token_id}" if who.token_id is not None else "this machine"
    return Once(parts, Asked(scope=scope, key=key, digest=digest, claim=claim))


OnlyOnce = Annotated[Once, Depends(_once)]
