"""Planning a recall: which messages, and why. What comes back is a plan, which nobody has confirmed yet."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from ledger.core.access.roles import Permission
from ledger.core.deadline import WINDOW
from ledger.core.recalls.recall_state import RecallState, state_of
from ledger.entrypoints.formats.keys import few_enough, keys_of
from ledger.entrypoints.http.door import Door, LedgerParts, Who, form_of, needs
from ledger.entrypoints.http.problems import status_of, with_notice
from ledger.entrypoints.http.seen_recall import Seen
from ledger.entrypoints.web.beside_plan import Beside, with_fields
from ledger.entrypoints.web.drafts import Draft
from ledger.entrypoints.web.page import View, Viewed
from ledger.entrypoints.web.recalls import run_in_of
from ledger.entrypoints.web.selection_form import SelectionForm
from ledger.errors import InputError

# A longer list of keys has no room in an address.
LONGEST_CHARACTERS = 2000
# For so long what is still recorded may be recalled too.
STICKY_SECONDS = (1800, 7200, 86400)
# What the form asks beside the selection of messages.
_BESIDE = ("reason", "shared", "elsewhere", "sticky")

router = APIRouter(route_class=Door, include_in_schema=False)


@router.get("/recalls/new", **needs(Permission.RECALL))
def ask(request: Request, view: Viewed, draft: Draft) -> Response:
    """Ask what is to be recalled, and why; what was typed before somebody had to sign in again stands there."""
    if draft:
        typed = FormData(list(draft))
        return _form(view, SelectionForm.read(typed), shows_draft=False, **_beside(typed))
    ticked: dict[str, Any] = {name: request.query_params.get(name, "") for name in ("shared", "elsewhere")}
    return _form(view, SelectionForm.read(request.query_params), **ticked)


@router.post("/recalls", **needs(Permission.RECALL))
async def plan(request: Request, parts: LedgerParts, who: Who, view: Viewed) -> Response:
    """Make a plan and lead to it; what cannot be one is said beside the form."""
    form = await form_of(request)
    keys = await _uploaded(form)
    asked, given = SelectionForm.read(form), _beside(form)

    def work() -> int:
        selection = replace(asked, key=_with_uploaded(asked.key, keys)).selection(view.times, who, parts.names)
        selection = replace(selection, include_elsewhere=bool(given["elsewhere"]))
        sticky = _sticky(given["sticky"])
        made = parts.planner.plan(
            selection,
            reason=given["reason"].strip(),
            actor=who.name,
            include_shared=bool(given["shared"]),
            is_proven=who.is_proven,
            run_in=run_in_of(request),
        )
        if sticky:
            parts.sticky.stick(made.recall_id, sticky, actor=who.name)
        return made.recall_id

    try:
        recall_id = await run_in_threadpool(work)
    except InputError as error:
        return _form(view, asked, error=error, **given)
    return RedirectResponse(f"/recalls/{recall_id}", 303)


@router.post("/recalls/{id}/plan-again", **needs(Permission.RECALL))
def plan_again(request: Request, seen: Seen, parts: LedgerParts, who: Who, view: Viewed, beside: Beside) -> Response:
    """Plan what an earlier plan selected once more, as it is now, and lead there; it is the plan of who asks.

    It is sticky for as long as the earlier one was to be, and what was filled in beside that goes along. A request that
    nobody's answer helps any more is over with that: its place is taken.
    """
    try:
        made = parts.planner.plan_again(
            seen.id, actor=who.name, bounds=who.bounds, is_proven=who.is_proven, run_in=run_in_of(request)
        )
        earlier = parts.recall_reports.result(seen.id)
        if earlier.sticky_until is not None and earlier.planned_at is not None:
            wanted = round((earlier.sticky_until - earlier.planned_at).total_seconds())
            parts.sticky.stick(made.recall_id, min(wanted, WINDOW.total_seconds()), actor=who.name)
        if state_of(earlier, view.now) is RecallState.STALE:
            parts.lifecycle.cancel(seen.id, actor=who.name)
    except InputError as error:
        return RedirectResponse(with_notice(with_fields(f"/recalls/{seen.id}", beside.given), error.code), 303)
    return RedirectResponse(with_fields(f"/recalls/{made.recall_id}", beside.given), 303)


async def _uploaded(form: FormData) -> bytes | None:
    """Return the file of keys that came with a form, None without; it is no larger than a request may be."""
    file = form.get("keys_file")
    content = await file.read() if isinstance(file, UploadFile) and file.filename else None
    await form.close()
    return content


def _with_uploaded(typed: str, uploaded: bytes | None) -> str:
    """Return the keys of a form with those of a file, a line each; raise UnreadableFileError for a file without any."""
    return (
        typed
        if uploaded is None
        else "\n".join([typed, *few_enough(keys_of(uploaded, "the keys file"), "the keys file")])
    )


def _beside(form: FormData) -> dict[str, Any]:
    return {name: str(form.get(name, "")) for name in _BESIDE}


def _sticky(text: str) -> int:
    return int(text) if text in map(str, STICKY_SECONDS) else 0


def _form(view: View, asked: SelectionForm, *, error: InputError | None = None, **given: Any) -> Response:
    given = dict.fromkeys(_BESIDE, "") | given
    status = 200 if error is None else status_of(error)
    return view.show(
        "planning.html",
        status=status,
        # What was filled in may be far too long for an address, so this answer holds it; its page is another one.
        here=f"/recalls/new?{asked.query()}" if error is not None and len(asked.key) <= LONGEST_CHARACTERS else None,
        asked=asked,
        error=error,
        sticky_seconds=STICKY_SECONDS,
        **given,
    )
