"""What can still be recalled, a line a campaign."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ledger.core.roles import Permission
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs

router = APIRouter(prefix="/v1", route_class=Door, tags=["messages"])


class Unrecallable(BaseModel):
    """Sends of a kind that cannot be recalled, and why."""

    kind: str = Field(examples=["webhook"])
    sends: int = Field(examples=[3])
    reason: str = Field(examples=["a group webhook (/robot/send) returns no key"])


class CampaignOut(BaseModel):
    """What the ledger holds of one campaign; the deadlines are those of what can still be recalled."""

    campaign: str | None = Field(description="None: messages without a tag.", examples=["spring"])
    messages: int = Field(examples=[120])
    recipients: int = Field(description="Deliveries: summed over the messages.", examples=[2400])
    people: int | None = Field(description="Each person once; null until they are counted.", examples=[2114])
    people_counted_at: datetime | None = Field(description="Null when that is of now; else when it was counted.")
    recallable: int = Field(description="Inside the 24 hours and not recalled yet.", examples=[118])
    recalled: int = Field(examples=[2])
    first_deadline: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    last_deadline: datetime | None = Field(examples=["2026-03-02T02:10:00Z"])
    keyless: int = Field(description="Sends whose key never came back: they cannot be recalled.", examples=[0])
    unrecallable: list[Unrecallable] = Field(description="Sends of kinds that never get a key, by kind.")
    recipients_unknown: int = Field(description="Messages of which nobody can say whom they reached.", examples=[0])
    sticky_until: datetime | None = Field(description="Until then, what is still recorded is recalled as it arrives.")


@router.get("/campaigns", **needs(Permission.SEE))
def campaigns(parts: LedgerParts, who: Who) -> list[CampaignOut]:
    """Return what can still be recalled, soonest deadline first; campaigns of which nothing can be come last."""
    return [CampaignOut.model_validate(line, from_attributes=True) for line in parts.campaigns(who.bounds)]
