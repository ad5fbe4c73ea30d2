"""What can still be recalled, a line a campaign."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ledger.core.access.roles import Identity, Permission
from ledger.entrypoints.api.models import Short
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.parts import Parts

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
    recalled_elsewhere: int = Field(description="Gone by other hands: no recall took them back.", examples=[0])
    first_deadline: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    last_deadline: datetime | None = Field(examples=["2026-03-02T02:10:00Z"])
    keyless: int = Field(description="Sends whose key never came back: they cannot be recalled.", examples=[0])
    unrecallable: list[Unrecallable] = Field(description="Sends of kinds that never get a key, by kind.")
    recipients_unknown: int = Field(description="Messages of which nobody can say whom they reached.", examples=[0])
    excerpt: str | None = Field(description="What its newest message says, where LEDGER_KEEP_EXCERPT keeps it.")
    sticky_until: datetime | None = Field(description="Until then, what is still recorded is recalled as it arrives.")
    expiring: int = Field(description="Messages that vanish by themselves.", examples=[0])
    expires_next: datetime | None = Field(description="When the first of these does.")
    sending_stopped_by: str | None = Field(description="Who let the gateway refuse what is still sent of it.")


class CampaignName(BaseModel):
    """A campaign, by its name."""

    model_config = ConfigDict(extra="forbid")

    campaign: Short = Field(examples=["spring"])


class StoppedCampaigns(BaseModel):
    """The campaigns of which nothing more is sent."""

    stopped: list[str] = Field(examples=[["spring"]])


@router.post("/campaigns/stop", **needs(Permission.RECALL, 422))
def stop(asked: CampaignName, parts: LedgerParts, who: Who) -> StoppedCampaigns:
    """Let the gateway, and clients that are watched for it, refuse what is still sent of a campaign."""
    parts.sending_stops.stop([asked.campaign], actor=who.name, bounds=who.bounds)
    return _stopped(parts, who)


@router.post("/campaigns/allow", **needs(Permission.RECALL, 422))
def allow(asked: CampaignName, parts: LedgerParts, who: Who) -> StoppedCampaigns:
    """Let a campaign be sent again."""
    parts.sending_stops.allow(asked.campaign, actor=who.name, bounds=who.bounds)
    return _stopped(parts, who)


def _stopped(parts: Parts, who: Identity) -> StoppedCampaigns:
    found = (stop.campaign for stop in parts.sending_stops.listed())
    return StoppedCampaigns(stopped=[name for name in found if who.bounds.hold_campaign(name)])


@router.get("/campaigns", **needs(Permission.SEE))
def campaigns(parts: LedgerParts, who: Who) -> list[CampaignOut]:
    """Return what can still be recalled, soonest deadline first; campaigns of which nothing can be come last."""
    return [CampaignOut.model_validate(line, from_attributes=True) for line in parts.campaigns(who.bounds)]
