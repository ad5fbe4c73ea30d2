"""Who has read it: asked of DingTalk for a selection or a recall, at a price that can be asked for first."""

from collections.abc import Mapping

from fastapi import APIRouter, Response
from pydantic import Field

from ledger.core.access.roles import Permission
from ledger.core.recalls.selection import select
from ledger.entrypoints.api.idempotency import OnlyOnce
from ledger.entrypoints.api.models import ApiModel, Given, SelectionRequest
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs, within
from ledger.entrypoints.http.seen_recall import Seen
from ledger.parts import Parts
from ledger.services.reports.people import Whose

router = APIRouter(prefix="/v1", route_class=Door, tags=["reads"])

_Sample = Field(
    default=None, ge=1, description="Ask about so many, drawn by lot. Without: what the month can spare.", examples=[60]
)
_DryRun = Field(default=False, description="Only say what it costs.")
_TO_ASK = needs(Permission.RECALL, 400, 404, 409, 422)


class SampleRequest(Given):
    """How many messages are asked about."""

    sample: int | None = _Sample
    dry_run: bool = _DryRun


class ReadsRequest(SelectionRequest):
    """Whose readers are asked for."""

    sample: int | None = _Sample
    dry_run: bool = _DryRun


class ReadPriceOut(ApiModel):
    """What asking costs."""

    messages: int = Field(description="That can be asked about.", examples=[1200])
    sample: int = Field(description="That would be asked about.", examples=[60])
    known: int = Field(description="Of the sample, answered just now already.", examples=[0])
    calls: int = Field(examples=[60])
    is_least: bool = Field(description="Conversations may have more readers than a call tells of.")
    quota: Mapping[str, int] = Field(examples=[{"limit": 5000, "used": 120, "after": 4820, "reserve": 0}])
    too_late: int = Field(description="Past their 24 hours.", examples=[0])
    unconfigured: int = Field(description="Of robots that no app is configured for.", examples=[0])


class UnknownSizeOut(ApiModel):
    """Messages in conversations of which nobody knows how many people there are."""

    messages: int = Field(examples=[3])
    asked: int = Field(examples=[3])
    read: int = Field(description="Readers of those asked.", examples=[210])


class ReadReportOut(ApiModel):
    """Who has read it: a person counts for each message."""

    recall_id: int | None = Field(examples=[7])
    messages: int = Field(examples=[1200])
    asked: int = Field(description="Messages that were answered.", examples=[60])
    unknown: int = Field(description="Messages of which DingTalk did not say it.", examples=[0])
    read: int = Field(description="People of the messages asked.", examples=[430])
    unread: int = Field(examples=[710])
    share_low: float | None = Field(description="Of all messages, 0 to 1, with 95 % confidence.", examples=[0.31])
    share_high: float | None = Field(examples=[0.44])
    is_exact: bool = Field(description="true: all were asked, and answered.")
    calls: int = Field(description="That were made for this answer.", examples=[60])
    told: int = Field(description="Readers whom events have named: at least so many had read it.", examples=[0])
    of_unknown_size: UnknownSizeOut
    too_late: int = Field(examples=[0])
    unconfigured: int = Field(examples=[0])


@router.post("/reads", response_model=ReadReportOut | ReadPriceOut, **_TO_ASK)
def reads(asked: ReadsRequest, parts: LedgerParts, who: Who, once: OnlyOnce) -> Response:
    """Ask who has read the selected messages, or with `dry_run` what that costs.

    It answers once all are asked, about a second for each twenty. Whoever gives up meanwhile asks again: what was
    answered is kept for ten minutes.
    """

    def work() -> ReadReportOut | ReadPriceOut:
        bounds = within(who, asked.robot)
        wanted = asked.model_dump(exclude={"campaigns", "sample", "dry_run"})
        if asked.campaigns is not None:
            wanted["campaign"] = parts.names.meant(asked.campaigns, bounds)
        whose = Whose(selection=select(**wanted, within=bounds))
        parts.recorder.catch_up()
        return _answer(parts, whose, asked.sample, who, dry_run=asked.dry_run)

    return once(200, work)


@router.post("/recalls/{id}/reads", response_model=ReadReportOut | ReadPriceOut, **_TO_ASK)
def reads_of_recall(asked: SampleRequest, seen: Seen, parts: LedgerParts, who: Who, once: OnlyOnce) -> Response:
    """Ask the same of the messages of a plan or a recall."""
    return once(200, lambda: _answer(parts, Whose(recall_id=seen.id), asked.sample, who, dry_run=asked.dry_run))


def _answer(parts: Parts, whose: Whose, sample: int | None, who: Who, *, dry_run: bool) -> ReadReportOut | ReadPriceOut:
    if dry_run:
        return ReadPriceOut.model_validate(parts.read_asker.price(whose, sample=sample))
    return ReadReportOut.model_validate(parts.read_asker.ask(whose, sample=sample, actor=who.name))
