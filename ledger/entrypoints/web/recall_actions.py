"""What people do with a recall: run, pause, go on, retry, cancel, leave alone what arrives late, agree, refuse, review.

Each comes from a form of the recall's page and leads back to it; what was not possible is said there.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from ledger.core.access.roles import Permission
from ledger.core.limits import REASON_MAX_CHARACTERS, check_reason
from ledger.entrypoints.http.door import Door, LedgerParts, Who, needs
from ledger.entrypoints.http.problems import with_notice
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.beside_plan import with_fields
from ledger.entrypoints.web.page import Viewed
from ledger.entrypoints.web.recalls import SPOT_CHECKED, confirmation, run_in_of
from ledger.entrypoints.web.settlings import Settlings, settlings_of
from ledger.errors import (
    AccessError,
    ApprovalNeededError,
    BadMomentError,
    DatabaseError,
    LedgerError,
    NotConfirmedError,
    UnknownRecallError,
)

PAUSED_BY_HAND = "paused by hand"

router = APIRouter(prefix="/recalls/{id}", route_class=Door, include_in_schema=False)

Typed = Annotated[str, Form(max_length=REASON_MAX_CHARACTERS)]


class RecallAction:
    """Something that somebody does with a recall."""

    def __init__(self, request: Request, seen: Seen, parts: LedgerParts, who: Who) -> None:
        self.recall_id, self.parts, self.actor, self.is_proven = seen.id, parts, who.name, who.is_proven
        self.run_in, self.bounds = run_in_of(request), who.bounds

    def __call__(self, action: Callable[[], object], **filled_in: str) -> Response:
        """Do it and lead back to the recall, which says why when it could not be done, and holds what was filled in.

        No page stands at the address of an action: it could neither be loaded again nor keep itself current.
        """
        page = f"/recalls/{self.recall_id}"
        try:
            action()
        except ApprovalNeededError:
            # It waits for a second person now, as its page says.
            pass
        except (AccessError, DatabaseError, UnknownRecallError):
            raise
        except LedgerError as error:
            page = with_notice(with_fields(page, filled_in), error.code)
        return RedirectResponse(page, 303)

    def stop_sending(self) -> None:
        """Let nothing more of the campaigns of the recall be sent."""
        campaigns = self.parts.recall_reports.result(self.recall_id).campaigns
        self.parts.sending_stops.stop(campaigns, actor=self.actor, bounds=self.bounds, recall_id=self.recall_id)

    def check(self, typed: str) -> None:
        """Raise NotConfirmedError unless what was typed is enough to start a plan of its size."""
        needed = confirmation(self.parts.recall_reports.summary(self.recall_id))
        if needed is not None and not needed.accepts(typed):
            raise NotConfirmedError("what was typed is not what had to be typed: nothing was recalled")


Do = Annotated[RecallAction, Depends()]


@router.post("/run", **needs(Permission.RECALL))
def run(do: Do, typed: Typed = "", stop_sending: Annotated[bool, Form()] = False) -> Response:
    """Start a confirmed plan; a worker makes the calls."""

    def start() -> None:
        do.check(typed)
        if stop_sending:
            do.stop_sending()
        do.parts.lifecycle.run(do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in)

    return do(start, stop_sending=str(int(stop_sending)))


@router.post("/schedule", **needs(Permission.RECALL))
def schedule(do: Do, view: Viewed, typed: Typed = "", at: Typed = "") -> Response:
    """Let a worker start a confirmed plan at a moment of its own."""

    def wait() -> None:
        do.check(typed)
        moment = view.times.read(at)
        if moment is None:
            raise BadMomentError("no moment was given")
        do.parts.schedules.set(do.recall_id, moment, actor=do.actor, is_proven=do.is_proven)

    return do(wait, at=at)


@router.post("/break-glass", **needs(Permission.RECALL))
def break_glass(do: Do, typed: Typed = "", reason: Typed = "") -> Response:
    """Start a confirmed plan without the second person that it needs; somebody has to review it."""

    def start() -> None:
        do.check(typed)
        why = check_reason("breaking the glass", reason.strip())
        do.parts.lifecycle.run(do.recall_id, actor=do.actor, is_proven=do.is_proven, break_glass=why, run_in=do.run_in)

    return do(start, why=reason)


@router.post("/review", **needs(Permission.APPROVE))
def review(do: Do, reason: Typed = "") -> Response:
    """Say what to make of a recall that somebody else started without a second person."""
    return do(
        lambda: do.parts.lifecycle.review(do.recall_id, reason=reason.strip(), actor=do.actor, is_proven=do.is_proven)
    )


@router.post("/approve", **needs(Permission.APPROVE))
def approve(do: Do, typed: Typed = "") -> Response:
    """Agree to what another person wants to run; it starts at once."""

    def agree() -> None:
        do.check(typed)
        do.parts.lifecycle.approve(do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in)

    return do(agree)


@router.post("/refuse", **needs(Permission.APPROVE))
def refuse(do: Do, reason: Typed = "") -> Response:
    """Do not agree to what another person wants to run."""
    return do(
        lambda: do.parts.lifecycle.refuse(do.recall_id, reason=reason.strip(), actor=do.actor, is_proven=do.is_proven)
    )


@router.post("/pause", **needs(Permission.RECALL))
def pause(do: Do) -> Response:
    """Make no more calls until somebody resumes."""
    return do(lambda: do.parts.lifecycle.pause(do.recall_id, why=PAUSED_BY_HAND, actor=do.actor))


@router.post("/resume", **needs(Permission.RECALL))
def resume(do: Do) -> Response:
    """Go on with a recall that is paused."""
    return do(lambda: do.parts.lifecycle.resume(do.recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/retry", **needs(Permission.RECALL))
def retry(do: Do) -> Response:
    """Ask again for what ended refused, partial or unknown."""
    return do(lambda: do.parts.lifecycle.retry(do.recall_id, actor=do.actor, is_proven=do.is_proven, run_in=do.run_in))


@router.post("/settle", **needs(Permission.RECALL))
def settle(do: Do, settlings: Annotated[Settlings, Depends(settlings_of)]) -> Response:
    """Ask for the read status of what ended unknown or partial; the page shows what becomes clear."""
    ask = partial(do.parts.read_status.run, do.recall_id, actor=do.actor)
    return do(lambda: settlings.start(do.recall_id, ask))


@router.post("/spot-check", **needs(Permission.RECALL))
def spot_check(do: Do, settlings: Annotated[Settlings, Depends(settlings_of)]) -> Response:
    """Ask of some messages that ended recalled whether they are gone; the page shows what is not."""

    def ask() -> object:
        checker = do.parts.spot_checker
        return checker.run(do.recall_id, checker.draw(do.recall_id, SPOT_CHECKED), actor=do.actor)

    return do(lambda: settlings.start(do.recall_id, ask))


@router.post("/cancel", **needs(Permission.RECALL))
def cancel(do: Do) -> Response:
    """Stop a recall for good."""
    return do(lambda: do.parts.lifecycle.cancel(do.recall_id, actor=do.actor))


@router.post("/unstick", **needs(Permission.RECALL))
def unstick(do: Do) -> Response:
    """Leave alone what arrives late from now on."""
    return do(lambda: do.parts.sticky.unstick(do.recall_id, actor=do.actor))
