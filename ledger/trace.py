"""The request on whose behalf something is done: its id goes along, from the door down to the history and the logs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

HEADER = "x-request-id"
# What others may hand in: nothing that could break a line, a header or a page.
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str | None] = ContextVar("ledger_request_id", default=None)


def request_id() -> str | None:
    """Return the id of the request that is being answered; None when nobody asked."""
    return _current.get()


@contextmanager
def on_behalf_of(given: str | None) -> Iterator[str]:
    """Work for a request: under the id that came with it when that is sane, else under a new one."""
    chosen = given if given and _SANE.fullmatch(given) else uuid4().hex
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
