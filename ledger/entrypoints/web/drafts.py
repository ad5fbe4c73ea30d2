"""What somebody had typed whose session was over when they sent it: kept while they sign in, then given back.

Nothing of it is done by that. With scripts, the browser keeps it by itself.
"""

import secrets
import time
from collections.abc import Sequence
from typing import Annotated, cast

from fastapi import Depends, Request

# In the address of the page that gives a draft back, and before the names of its fields in the form of the sign-in.
DRAFT, FIELD = "draft", "draft."
MOST_DRAFTS, KEPT_SECONDS = 100, 15 * 60

Typed = Sequence[tuple[str, str]]


class Drafts:
    """Keeps the latest drafts of those who have signed in again, each under a name that nobody guesses."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Typed]] = {}

    def keep(self, typed: Typed) -> str:
        """Keep a draft for a while; return its name."""
        name = secrets.token_urlsafe(16)
        self._kept = dict([*self._kept.items(), (name, (time.monotonic(), typed))][-MOST_DRAFTS:])
        return name

    def find(self, name: str) -> Typed:
        """Return a draft; nothing of one that is not kept any more."""
        kept_at, typed = self._kept.get(name, (0.0, ()))
        return typed if time.monotonic() - kept_at < KEPT_SECONDS else ()


def drafts_of(request: Request) -> Drafts:
    """Return the drafts of the application."""
    return cast("Drafts", request.app.state.drafts)


def draft_of(request: Request) -> Typed:
    """Return the draft that the address of a page names."""
    name = request.query_params.get(DRAFT)
    return drafts_of(request).find(name) if name else ()


async def brought_along(request: Request) -> Typed:
    """Return the draft that comes with a sign-in."""
    form = await request.form()
    pairs = ((name, value) for name, value in form.multi_items() if isinstance(value, str))
    return [(name.removeprefix(FIELD), value) for name, value in pairs if name.startswith(FIELD)]


Draft = Annotated[Typed, Depends(draft_of)]
BroughtAlong = Annotated[Typed, Depends(brought_along)]
