"""A recall that whoever asks may touch: the only way in which a route gets at the number of one.

A token may be bound to robots. What a recall of other robots holds is not for it, whatever route asks; so no route
takes a number from its address by itself (`Door` refuses one that does), but the value that is made here.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from pydantic import Field

from ledger.core.access.roles import Identity
from ledger.core.cursor import LARGEST_ID
from ledger.entrypoints.http.door import LedgerParts, Who
from ledger.parts import Parts

RecallNumber = Annotated[int, Field(ge=1, le=LARGEST_ID, examples=[7])]


@dataclass(frozen=True, slots=True)
class SeenRecall:
    """The number of a recall, looked up and within the robots of whoever asks."""

    id: int


def _seen(number: Annotated[RecallNumber, Path(alias="id")], parts: LedgerParts, who: Who) -> SeenRecall:
    return look_up(number, parts, who)


def look_up(number: int, parts: Parts, who: Identity) -> SeenRecall:
    """Look a recall up; raise UnknownRecallError, or ForbiddenError when it may hold messages of other robots."""
    parts.pages.check_within(number, who)
    return SeenRecall(number)


Seen = Annotated[SeenRecall, Depends(_seen)]
