"""The correction of a recall: what is to be said, the plan with what people will see, and what came of it."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator

from ledger.core.access.roles import Permission
from ledger.core.corrections.correction import OPEN, CorrectionPlan, confirmation_of_correction
from ledger.core.corrections.correction_text import CorrectionText, preview_of, read_text
from ledger.core.cursor import LARGEST_ID
from ledger.core.limits import NAME_MAX_CHARACTERS, REASON_MAX_CHARACTERS
from ledger.core.recalls.recall import Status
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.problems import status_of, with_notice
from ledger.entrypoints.http.read_watch import handed_out
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.page import View, Viewed
from ledger.entrypoints.web.recall_actions import PAUSED_BY_HAND
from ledger.entrypoints.web.recalls import PLANNED_MS, run_in_of
from ledger.errors import (
    AccessError,
    ApprovalNeededError,
    DatabaseError,
    InputError,
    LedgerError,
    NotConfirmedError,
    UnknownCorrectionError,
    UnknownRecallError,
    WrongStateError,
)
from ledger.parts import Parts

EVERY_MS = 1000
# What the form has fields of its own for; whatever else is written as its parameters.
KINDS = TEXT, MARKDOWN, OTHER = "sampleText", "sampleMarkdown", "other"
_MOST_LETTERS = 20_000
_NOTHING: Mapping[str, str] = {"kind": TEXT, "title": "", "text": "", "msg_key": "", "msg_param": "", "reason": ""}

router = APIRouter(prefix="/recalls/{id}/correction", route_class=Door, include_in_schema=False)

Typed = Annotated[str, Form(max_length=REASON_MAX_CHARACTERS)]
Name = Annotated[str, Form(max_length=NAME_MAX_CHARACTERS)]
# Browsers end lines of a form with CR LF; DingTalk would be given both.
Said = Annotated[str, Form(max_length=_MOST_LETTERS), AfterValidator(lambda text: text.replace("\r\n", "\n"))]
PlanNumber = Annotated[int, Query(ge=1, le=LARGEST_ID)]
FormPlan = Annotated[int, Form(ge=1, le=LARGEST_ID)]


@router.get("", **needs(Permission.SEE))
def correction(
    request: Request, seen: Seen, parts: LedgerParts, who: Who, view: Viewed, plan: PlanNumber | None = None
) -> Response:
    """Show what was sent of a recall's corrections, and a plan, or the form for another one."""
    shown = _plan_of(parts, seen.id, plan) if plan is not None else None
    if shown is not None and parts.correction_reports.result(shown.correction_id).status is not Status.PLANNED:
        # It was sent meanwhile: what came of it is on the page without a plan.
        return RedirectResponse(f"/recalls/{seen.id}/correction", 303)
    handed_out(request, 1)
    given = _given_of(shown, parts) if shown is not None else _NOTHING
    return _shown(parts, view, seen.id, who.name, shown, given)


@router.post("", **needs(Permission.RECALL))
def plan(
    request: Request,
    seen: Seen,
    parts: LedgerParts,
    who: Who,
    view: Viewed,
    kind: Name = TEXT,
    title: Said = "",
    text: Said = "",
    msg_key: Name = "",
    msg_param: Said = "",
    reason: Typed = "",
) -> Response:
    """Make a plan and lead to it; what cannot be one is said beside the form."""
    given = {"kind": kind, "title": title, "text": text, "msg_key": msg_key, "msg_param": msg_param, "reason": reason}
    try:
        made = parts.correction_planner.plan(
            seen.id,
            _text(given),
            reason=reason.strip(),
            actor=who.name,
            is_proven=who.is_proven,
            run_in=run_in_of(request),
        )
    except InputError as error:
        return _shown(parts, view, seen.id, who.name, None, given, error=error)
    return RedirectResponse(f"/recalls/{seen.id}/correction?plan={made.correction_id}", 303)


class CorrectionAction:
    """Something that somebody does with the correction of a recall."""

    def __init__(self, request: Request, seen: Seen, parts: LedgerParts, who: Who) -> None:
        self.recall_id, self.parts, self.actor, self.is_proven = seen.id, parts, who.name, who.is_proven
        self.run_in = run_in_of(request)

    def __call__(self, action: Callable[[], object], *, plan_id: int | None = None) -> Response:
        """Do it and lead back to the page, or that of the plan, which says why when it could not be done."""
        page = f"/recalls/{self.recall_id}/correction"
        try:
            action()
        except ApprovalNeededError:
            # It waits for a second person now, as the page says.
            pass
        except (AccessError, DatabaseError, UnknownRecallError):
            raise
        except LedgerError as error:
            page = with_notice(page if plan_id is None else f"{page}?plan={plan_id}", error.code)
        return RedirectResponse(page, 303)

    def check(self, correction_id: int, typed: str) -> None:
        """Raise NotConfirmedError unless what was typed is enough for so many people."""
        shown = _plan_of(self.parts, self.recall_id, correction_id)
        if not confirmation_of_correction(shown.people, shown.quota).accepts(typed):
            raise NotConfirmedError("what was typed is not what had to be typed: nothing was sent")

    @property
    def open_id(self) -> int:
        """The correction that is under way, or waits for a second person; raise WrongStateError."""
        found = self.parts.correction_reports.open_of(self.recall_id)
        if found is None:
            raise WrongStateError("no correction is under way")
        return found.id


Do = Annotated[CorrectionAction, Depends()]


@router.post("/run", **needs(Permission.RECALL))
def run(do: Do, correction_id: FormPlan, typed: Typed = "") -> Response:
    """Send a confirmed plan; a worker makes the calls."""

    def start() -> None:
        do.check(correction_id, typed)
        do.parts.corrections.run(correction_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in)

    return do(start, plan_id=correction_id)


@router.post("/approve", **needs(Permission.APPROVE))
def approve(do: Do, typed: Typed = "") -> Response:
    """Agree to what another person wants to send; it starts at once."""

    def agree() -> None:
        number = do.open_id
        do.check(number, typed)
        do.parts.corrections.approve(number, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in)

    return do(agree)


@router.post("/refuse", **needs(Permission.APPROVE))
def refuse(do: Do, reason: Typed = "") -> Response:
    """Do not agree to what another person wants to send."""
    return do(
        lambda: do.parts.corrections.refuse(do.open_id, reason=reason.strip(), actor=do.actor, is_proven=do.is_proven)
    )


@router.post("/pause", **needs(Permission.RECALL))
def pause(do: Do) -> Response:
    """Send it to nobody else until somebody resumes."""
    return do(lambda: do.parts.corrections.pause(do.open_id, why=PAUSED_BY_HAND, actor=do.actor))


@router.post("/resume", **needs(Permission.RECALL))
def resume(do: Do) -> Response:
    """Go on with a correction that is paused."""
    return do(lambda: do.parts.corrections.resume(do.open_id, actor=do.actor, run_in=do.run_in))


@router.post("/cancel", **needs(Permission.RECALL))
def cancel(do: Do) -> Response:
    """Send it to nobody else."""
    return do(lambda: do.parts.corrections.cancel(do.open_id, actor=do.actor))


def _plan_of(parts: Parts, recall_id: int, correction_id: int) -> CorrectionPlan:
    """Return a plan of a correction of a recall; raise UnknownCorrectionError also for that of another one."""
    shown = parts.correction_reports.plan(correction_id)
    if shown.recall_id != recall_id:
        raise UnknownCorrectionError(correction_id)
    return shown


def _given_of(plan: CorrectionPlan, parts: Parts) -> Mapping[str, str]:
    """Return what a form is filled with so that it says what a plan does: nobody types a text twice."""
    reason, _recall_id = parts.correction_reports.reason_and_recall(plan.correction_id)
    if plan.msg_key in (TEXT, MARKDOWN):
        says = json.loads(plan.msg_param)
        texts = {"kind": plan.msg_key, "title": says.get("title", ""), "text": says.get("content") or says.get("text")}
    else:
        texts = {"kind": OTHER, "msg_key": plan.msg_key, "msg_param": plan.msg_param}
    return {**_NOTHING, **texts, "reason": reason}


def _text(given: Mapping[str, str]) -> CorrectionText:
    """Return what a form says; raise InputError."""
    if given["kind"] == TEXT:
        return read_text(TEXT, {"content": given["text"]})
    if given["kind"] == MARKDOWN:
        return read_text(MARKDOWN, {"title": given["title"], "text": given["text"]})
    return read_text(given["msg_key"].strip(), given["msg_param"])


def _shown(
    parts: Parts,
    view: View,
    recall_id: int,
    me: str,
    plan: CorrectionPlan | None,
    given: Mapping[str, str],
    *,
    error: InputError | None = None,
) -> Response:
    results = parts.correction_reports.of_recall(recall_id)
    open_one = next((one for one in results if one.status in OPEN), None)
    asked = next((one for one in results if one.status is Status.PLANNED and one.approval is not None), None)
    waits = asked if asked is not None and asked.approval is not None and asked.approval.is_open(view.now) else None
    # Whoever is asked sees what they agree to.
    plan = parts.correction_reports.plan(waits.correction_id) if waits is not None else plan
    # Before the first one is sent, somebody is left: nobody has to count.
    may_be_done = plan is None and error is None and open_one is None and any(one.started_at for one in results)
    may_start = plan is not None and plan.valid_until is not None and plan.valid_until > view.now
    is_live = open_one is not None or waits is not None or (may_start and error is None)
    return view.show(
        "correction.html",
        status=200 if error is None else status_of(error),
        every_ms=0 if not is_live else PLANNED_MS if may_start else EVERY_MS,
        here=f"/recalls/{recall_id}/correction" if error is not None else None,
        recall_id=recall_id,
        results=[one for one in results if one is not waits],
        previews={
            one.correction_id: preview_of(CorrectionText(msg_key=one.msg_key, msg_param=one.msg_param))
            for one in results
        },
        open_one=open_one,
        waits=waits,
        is_own=waits is not None and waits.approval is not None and waits.approval.requested_by == me,
        plan=plan,
        nobody_left=parts.correction_reports.nobody_left(recall_id) if may_be_done else None,
        confirmation=confirmation_of_correction(plan.people, plan.quota) if plan is not None else None,
        given=given,
        error=error,
        kinds=KINDS,
    )
