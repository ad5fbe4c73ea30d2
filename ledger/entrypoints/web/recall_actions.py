"""What people do with a recall: run, pause, resume, retry, cancel, leave alone what arrives late, agree, refuse.

Each comes from a form of the recall's page and leads back to it; what was not possible is said there.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from ledger.core.roles import Permission
from ledger.entrypoints.http.door import Book, Door, Who, needs
from ledger.entrypoints.http.problems import status_of
from ledger.entrypoints.web.page import Viewed
from ledger.entrypoints.web.recalls import Id, confirmation, shown
from ledger.errors import (
    AccessError,
    ApprovalNeededError,
    DatabaseError,
    InputError,
    LedgerError,
    NotConfirmedError,
    UnknownRecallError,
)
from ledger.services.recalls.lifecycle import RunIn

LONGEST_CHARACTERS = 2000
PAUSED_BY_HAND = "paused by hand"

router = APIRouter(prefix="/recalls/{recall_id}", route_class=Door, include_in_schema=False)

Typed = Annotated[str, Form(max_length=LONGEST_CHARACTERS)]


class RecallAction:
    """Something that somebody does with a recall."""

    def __init__(self, request: Request, book: Book, who: Who, view: Viewed) -> None:
        self.book, self.actor = book, who.name
        self.run_in = RunIn.LOCAL_WORKER if request.app.state.with_worker else RunIn.ANY_WORKER
        self._who, self._view = who, view

    def __call__(self, recall_id: int, action: Callable[[], object]) -> Response:
        """Do it and lead back to the recall; when it cannot be done, show the recall with the reason."""
        self.book.lister.check_within(recall_id, self._who)
        try:
            action()
        except ApprovalNeededError:
            # It waits for a second person now, as its page says.
            pass
        except (AccessError, DatabaseError, UnknownRecallError):
            raise
        except LedgerError as error:
            status = 422 if isinstance(error, NotConfirmedError) else status_of(error)
            return shown(self.book, self._who, self._view, recall_id, status=status, refused=error.code)
        return RedirectResponse(f"/recalls/{recall_id}", 303)

    def check(self, recall_id: int, typed: str) -> None:
        """Raise NotConfirmedError unless what was typed is enough to start a plan of its size."""
        needed = confirmation(self.book.summary(recall_id))
        if needed is not None and not needed.accepts(typed):
            raise NotConfirmedError("what was typed is not what had to be typed: nothing was recalled")


Do = Annotated[RecallAction, Depends()]


@router.post("/run", **needs(Permission.RECALL))
def run(recall_id: Id, do: Do, typed: Typed = "") -> Response:
    """Start a confirmed plan; a worker makes the calls."""

    def start() -> None:
        do.check(recall_id, typed)
        do.book.run(recall_id, actor=do.actor, run_in=do.run_in)

    return do(recall_id, start)


@router.post("/approve", **needs(Permission.APPROVE))
def approve(recall_id: Id, do: Do, typed: Typed = "") -> Response:
    """Agree to what another person wants to run; it starts at once."""

    def agree() -> None:
        do.check(recall_id, typed)
        do.book.approve(recall_id, actor=do.actor, run_in=do.run_in)

    return do(recall_id, agree)


@router.post("/refuse", **needs(Permission.APPROVE))
def refuse(recall_id: Id, do: Do, reason: Typed = "") -> Response:
    """Do not agree to what another person wants to run."""
    return do(recall_id, lambda: do.book.refuse(recall_id, reason=_clean(reason), actor=do.actor))


@router.post("/pause", **needs(Permission.RECALL))
def pause(recall_id: Id, do: Do) -> Response:
    """Make no more calls until somebody resumes."""
    return do(recall_id, lambda: do.book.pause(recall_id, why=PAUSED_BY_HAND, actor=do.actor))


@router.post("/resume", **needs(Permission.RECALL))
def resume(recall_id: Id, do: Do) -> Response:
    """Go on with a recall that is paused."""
    return do(recall_id, lambda: do.book.resume(recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/retry", **needs(Permission.RECALL))
def retry(recall_id: Id, do: Do) -> Response:
    """Ask again for what ended refused, partial or unknown."""
    return do(recall_id, lambda: do.book.retry(recall_id, actor=do.actor, run_in=do.run_in))


@router.post("/cancel", **needs(Permission.RECALL))
def cancel(recall_id: Id, do: Do) -> Response:
    """Stop a recall for good."""
    return do(recall_id, lambda: do.book.cancel(recall_id, actor=do.actor))


@router.post("/unstick", **needs(Permission.RECALL))
def unstick(recall_id: Id, do: Do) -> Response:
    """Leave alone what arrives late from now on."""
    return do(recall_id, lambda: do.book.unstick(recall_id, actor=do.actor))


def _clean(reason: str) -> str:
    if "\x00" in reason:
        raise InputError("a reason holds no NUL")
    return reason.strip()
