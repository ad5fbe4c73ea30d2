"""Corrections: the right message for those from whom a recall took the wrong one, by the number of that recall."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import Field, StringConstraints

from ledger.core.access.roles import Permission
from ledger.core.corrections.correction import CorrectionResult
from ledger.core.corrections.correction_text import MSG_PARAM_MAX_BYTES, read_text
from ledger.core.limits import NAME_MAX_CHARACTERS
from ledger.core.recalls.recall import Status
from ledger.entrypoints.api.idempotency import OnlyOnce
from ledger.entrypoints.api.models import (
    TIME,
    ApiModel,
    Approval,
    Given,
    PauseRequest,
    PlanStop,
    Reason,
    RefusalRequest,
    Short,
)
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.read_watch import handed_out
from ledger.entrypoints.http.seen_recall import RecallNumber, Seen
from ledger.errors import ApprovalNeededError, UnknownCorrectionError, WrongStateError
from ledger.services.recalls.planning.run_in import RunIn

router = APIRouter(prefix="/v1/recalls/{id}/corrections", route_class=Door, tags=["corrections"])

_TO_DO = needs(Permission.RECALL, 400, 404, 409, 422)
_TO_ANSWER = needs(Permission.APPROVE, 400, 404, 409, 422)
_SKIPPED = Field(description="People by why they get none.", examples=[{"still_have": 3, "unknown": 1}])


class CorrectionRequest(Given):
    """What is to be sent, and why."""

    msg_key: Short = Field(description="The template.", examples=["sampleText"])
    msg_param: Annotated[str, StringConstraints(max_length=MSG_PARAM_MAX_BYTES)] | dict[str, str] = Field(
        description="Its parameters: an object, or that in a text.", examples=[{"content": "The right link: …"}]
    )
    reason: Reason = Field(description="Why; the history keeps it.", examples=["the right link"])


class CorrectionRunRequest(Given):
    """Which plan is to be sent."""

    correction_id: RecallNumber = Field(description="The number of its plan.", examples=[3])
    token: Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX_CHARACTERS)] | None = Field(
        default=None, description="The token of the plan: what is sent is what was shown."
    )


class PreviewOut(ApiModel):
    """What people will see."""

    title: str | None
    text: str = Field(examples=["The right link: …"])
    links: list[tuple[str, str]] = Field(description="What stands on each, and where it leads.")
    is_known: bool = Field(description="false: a template that is not known here, so that these are its parameters.")


class CorrectionPlanOut(ApiModel):
    """What a correction would do; nothing has been sent."""

    correction_id: int = Field(examples=[3])
    recall_id: int = Field(examples=[7])
    status: Status
    people: int = Field(description="Who get it.", examples=[2114])
    calls: int = Field(examples=[106])
    skipped: int = Field(description="People of the recall who do not.", examples=[4])
    skipped_by_reason: Mapping[str, int] = _SKIPPED
    by_hand: Mapping[str, int] = Field(
        description="Messages that no correction reaches: in groups, between two people, to nobody known.",
        examples=[{"group": 2}],
    )
    campaign: str = Field(description="What it is recorded under.", examples=["correction of spring (recall 7)"])
    msg_key: str = Field(examples=["sampleText"])
    msg_param: str = Field(examples=['{"content": "The right link: …"}'])
    preview: PreviewOut
    estimated_seconds: float = Field(examples=[5.4])
    quota: Mapping[str, int] = Field(examples=[{"limit": 5000, "used": 120, "after": 4774, "reserve": 0}])
    robots: Mapping[str, int] = Field(description="People by who writes to them.", examples=[{"dingrobot1": 2114}])
    earlier: list[int] = Field(description="Corrections of the same recall that were started before.")
    approval: Approval | None
    stops: list[PlanStop] = Field(description="What would stop it, as far as is known without asking DingTalk.")
    valid_until: datetime | None = Field(description="Until then it may be sent.", examples=["2026-03-01T02:15:00Z"])
    token: str | None = Field(
        description="`run` with it sends exactly this, or nothing. It is kept nowhere: a repeated request has null."
    )


class SendRefusalOut(ApiModel):
    """What DingTalk answered to sends that it refused, and to how many people they were."""

    code: str = Field(examples=["staffId.notExisted"])
    reason: str = Field(examples=["a staffId does not exist"])
    people: int = Field(examples=[1])


class CorrectionOut(ApiModel):
    """Where a correction stands; people from `sent` to `pending` add up to `people`."""

    correction_id: int = Field(examples=[3])
    recall_id: int = Field(examples=[7])
    status: Status
    people: int = Field(examples=[2114])
    calls: int = Field(examples=[106])
    sent: int = Field(examples=[2110])
    not_reached: int = Field(description="Whom DingTalk named as such.", examples=[3])
    not_reached_by_reason: Mapping[str, int] = Field(examples=[{"invalid": 2, "flow_controlled": 1}])
    unknown: int = Field(description="Who may have it: no answer came, and it is not sent again.", examples=[0])
    refused: int = Field(examples=[1])
    refusals: list[SendRefusalOut] = Field(
        description="What DingTalk answered where it refused, the most people first."
    )
    cancelled: int = Field(examples=[0])
    pending: int = Field(examples=[0])
    in_flight: int = Field(description="Of these, on their way now.", examples=[0])
    skipped: int = Field(examples=[4])
    skipped_by_reason: Mapping[str, int] = _SKIPPED
    campaign: str = Field(examples=["correction of spring (recall 7)"])
    msg_key: str = Field(examples=["sampleText"])
    msg_param: str = Field(examples=['{"content": "The right link: …"}'])
    reason: str = Field(examples=["the right link"])
    actor: str = Field(examples=["wang"])
    error: Mapping[str, str] | None = Field(description="Why it is paused: `code` and `message`.")
    approval: Approval | None
    planned_at: datetime | None = Field(examples=[TIME])
    started_at: datetime | None = Field(examples=[TIME])
    finished_at: datetime | None


@router.post("", status_code=201, response_model=CorrectionPlanOut, **_TO_DO)
def plan_correction(
    request: Request, asked: CorrectionRequest, seen: Seen, parts: LedgerParts, who: Who, once: OnlyOnce
) -> Response:
    """Plan a correction of a recall that has finished: say who gets it, and send nothing."""

    def work() -> CorrectionPlanOut:
        made = parts.correction_planner.plan(
            seen.id,
            read_text(asked.msg_key, asked.msg_param),
            reason=asked.reason,
            actor=who.name,
            is_proven=who.is_proven,
            run_in=_run_in(request),
        )
        return CorrectionPlanOut.model_validate(made)

    return once(201, work, kept_without=("token",))


@router.get("", **needs(Permission.SEE, 404, 422))
def corrections(request: Request, seen: Seen, parts: LedgerParts) -> list[CorrectionOut]:
    """Return the corrections of a recall that were started, or wait for a second person, the newest first."""
    found = parts.correction_reports.of_recall(seen.id)
    handed_out(request, len(found))
    return [CorrectionOut.model_validate(one) for one in found]


class CorrectionCommand:
    """Something that somebody does with the correction of a recall, once."""

    def __init__(self, request: Request, seen: Seen, parts: LedgerParts, who: Who, once: OnlyOnce) -> None:
        self.recall_id, self.parts, self.actor, self.is_proven = seen.id, parts, who.name, who.is_proven
        self.run_in = _run_in(request)
        self._once = once

    def __call__(self, status: int, action: Callable[[], CorrectionResult]) -> Response:
        """Do it, and answer with where the correction stands then."""
        return self._once(status, lambda: CorrectionOut.model_validate(action()))

    @property
    def open_id(self) -> int:
        """The correction that is under way, or waits for a second person; raise WrongStateError."""
        found = self.parts.correction_reports.open_of(self.recall_id)
        if found is None:
            raise WrongStateError(f"no correction of recall {self.recall_id} is under way, or waits for anybody")
        return found.id


Do = Annotated[CorrectionCommand, Depends()]


@router.post("/run", status_code=202, response_model=CorrectionOut, **_TO_DO)
def run_correction(do: Do, asked: CorrectionRunRequest) -> Response:
    """Send what was planned; a worker makes the calls.

    When a second person has to agree first, `status` stays `planned`, and `approval` says who asked and until when.
    """

    def start() -> CorrectionResult:
        parts, number = do.parts, asked.correction_id
        if parts.correction_reports.reason_and_recall(number)[1] != do.recall_id:
            raise UnknownCorrectionError(number)
        try:
            return parts.corrections.run(
                number, actor=do.actor, is_proven=do.is_proven, plan_token=asked.token, run_in=do.run_in
            )
        except ApprovalNeededError:
            return parts.correction_reports.result(number)

    return do(202, start)


@router.post("/approve", status_code=202, response_model=CorrectionOut, **_TO_ANSWER)
def approve_correction(do: Do) -> Response:
    """Agree, as a second person, to the correction that another one wants to send; it starts at once."""
    return do(
        202,
        lambda: do.parts.corrections.approve(do.open_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in),
    )


@router.post("/refuse", response_model=CorrectionOut, **_TO_ANSWER)
def refuse_correction(asked: RefusalRequest, do: Do) -> Response:
    """Do not agree to the correction that another person wants to send; its plan is over."""
    return do(
        200,
        lambda: do.parts.corrections.refuse(do.open_id, reason=asked.reason, actor=do.actor, is_proven=do.is_proven),
    )


@router.post("/pause", response_model=CorrectionOut, **_TO_DO)
def pause_correction(do: Do, asked: Annotated[PauseRequest | None, Body()] = None) -> Response:
    """Send it to nobody else until somebody resumes; what is on its way ends by its answer."""
    why = (asked or PauseRequest()).reason
    return do(200, lambda: do.parts.corrections.pause(do.open_id, why=why, actor=do.actor))


@router.post("/resume", status_code=202, response_model=CorrectionOut, **_TO_DO)
def resume_correction(do: Do) -> Response:
    """Go on with a correction that is paused, or whose process went away."""
    return do(202, lambda: do.parts.corrections.resume(do.open_id, actor=do.actor, run_in=do.run_in))


@router.post("/cancel", response_model=CorrectionOut, **_TO_DO)
def cancel_correction(do: Do) -> Response:
    """Send it to nobody else; what is on its way ends by its answer."""
    return do(200, lambda: do.parts.corrections.cancel(do.open_id, actor=do.actor))


def _run_in(request: Request) -> RunIn:
    return RunIn.LOCAL_WORKER if request.app.state.with_worker else RunIn.ANY_WORKER
