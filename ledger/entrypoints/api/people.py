"""People's rights: what is stored of a person is handed out, and erased. Ids are in no address, which logs keep."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from ledger.core.access.roles import Permission
from ledger.entrypoints.api.models import ApiModel, Given, Reason, Short
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.errors import ForbiddenError

router = APIRouter(prefix="/v1", route_class=Door, tags=["people"])


class PersonRequest(Given):
    """Whose data."""

    user: Short = Field(description="The user id.", examples=["zhang.san"])


class ErasureRequest(PersonRequest):
    """Who is to be erased, and why."""

    reason: Reason = Field(description="For the history; without the id.", examples=["left the company"])
    dry_run: bool = Field(default=False, description="Only say where the id stands.")


class MentionOut(ApiModel):
    """A column in whose texts the id is mentioned; texts are left as they are."""

    place: str = Field(examples=["recalls.reason"])
    rows: int = Field(examples=[1])
    numbers: list[int] = Field(description="Of recalls, else of the rows; at most twenty.", examples=[[12]])


class ErasureOut(ApiModel):
    """What was erased, or would be."""

    person: str | None = Field(
        default=None,
        description="The name by lot from now on; null: nothing was erased.",
        examples=["erased-7f3a9c51d2e0"],
    )
    places: dict[str, int] = Field(description="Rows by place.", examples=[{"items": 3, "messages": 1}])
    mentioned: list[MentionOut]
    journals: list[str] = Field(description="Files of senders that still run and that hold the id.", examples=[[]])
    left: str | None = Field(default=None, description="What of the database's files could not be written anew.")


class PersonOut(ApiModel):
    """All that is stored of a person; of others, nothing."""

    user: str = Field(examples=["zhang.san"])
    messages: list[dict[str, Any]] = Field(description="That can still be recalled.")
    keyless: list[dict[str, Any]] = Field(description="Sends without a key.")
    items: list[dict[str, Any]] = Field(description="Messages in recalls.")
    skips: list[dict[str, Any]] = Field(description="Messages that recalls left out.")
    selections: list[int] = Field(description="Recalls that asked for this person.", examples=[[12]])
    answers: int = Field(description="Answers kept for requests that may come twice.", examples=[0])
    refused: int = Field(description="Rows that no message could be made of.", examples=[0])
    mentioned: list[MentionOut]
    journals: list[str] = Field(examples=[[]])


@router.post("/people/erase", response_model=ErasureOut, **needs(Permission.PERSONS, 400, 409, 422))
def erase(asked: ErasureRequest, parts: LedgerParts, who: Who) -> ErasureOut:
    """Take a person's id out of all that is stored, for good; outcomes, counts and the proof stay.

    It waits until the database's files are written anew, which takes long where they are large. Asked again, it finds
    nothing more; no Idempotency-Key is needed.
    """
    _need_no_bounds(who)
    if asked.dry_run:
        return ErasureOut.model_validate(parts.person_eraser.look(asked.user))
    return ErasureOut.model_validate(parts.person_eraser.erase(asked.user, reason=asked.reason, actor=who.name))


@router.post("/people/export", response_model=PersonOut, **needs(Permission.PERSONS, 400, 422))
def export(asked: PersonRequest, parts: LedgerParts, who: Who) -> PersonOut:
    """Return all that is stored of a person; the history says that it was handed out."""
    _need_no_bounds(who)
    return PersonOut.model_validate(parts.person_export.run_once(asked.user, actor=who.name))


def _need_no_bounds(who: Who) -> None:
    """Raise ForbiddenError for whoever sees a part of what is stored alone."""
    if who.bounds:
        raise ForbiddenError(f"{who.name} may touch some messages only, and a person is known to all")
