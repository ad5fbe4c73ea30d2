"""Tools that look: what there is, whom it reached, what was done, and the proof of it. They change nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ledger.core.cursor import decode_name, encode_name
from ledger.entrypoints.agents import asked, told
from ledger.entrypoints.agents.callers import AgentCall
from ledger.entrypoints.agents.desk import Desk, next_of, page_of, recall_of
from ledger.entrypoints.http.door import within
from ledger.entrypoints.http.seen_recall import look_up
from ledger.errors import BadCursorError, BusyError, InputError
from ledger.services.reports.list_page import ListPage
from ledger.services.reports.people import Whose
from ledger.services.reports.verifier import Verification


def campaigns(desk: Desk, call: AgentCall, given: asked.CampaignsAsked) -> told.Campaigns:
    """Return what can still be recalled, soonest deadline first."""
    lines, start = desk.parts.campaigns(call.who.bounds), _place(given.cursor)

    def read(limit: int) -> ListPage[Any]:
        more = encode_name(str(start + limit)) if len(lines) > start + limit else None
        return ListPage(values=lines[start : start + limit], cursor=more)

    return told.AnswerTold(data=page_of(read, given.limit, told.CampaignTold.model_validate))


def _place(cursor: str | None) -> int:
    place = decode_name(cursor) if cursor is not None else "0"
    if not (place.isascii() and place.isdigit() and len(place) < 10):
        raise BadCursorError
    return int(place)


def messages(desk: Desk, call: AgentCall, given: asked.MessagesAsked) -> told.Messages:
    """Return what is recorded, soonest deadline first."""
    selection = given.selection(within(call.who, given.robot))

    def read(limit: int) -> ListPage[Any]:
        return desk.parts.pages.messages(selection, only_recallable=given.recallable, cursor=given.cursor, limit=limit)

    def line(one: Any) -> told.MessageTold:
        reached = one.recipients
        return told.MessageTold(**told.fields_of(one, people=len(reached), users=told.first_of(reached)))

    return told.AnswerTold(data=page_of(read, given.limit, line))


def people(desk: Desk, call: AgentCall, given: asked.ReachedAsked) -> told.People:
    """Return whom messages reached, and what they have of them."""
    selection, reports = given.selection(within(call.who, given.robot)), desk.parts.people
    if given.recall_id is not None:
        if not selection.is_empty:
            raise InputError("a recall has its own messages: give recall_id, or what is selected, not both")
        look_up(given.recall_id, desk.parts, call.who)
    whose = Whose(recall_id=given.recall_id, selection=selection)

    def read(limit: int) -> ListPage[Any]:
        return reports.page(whose, standing=given.only, cursor=given.cursor, limit=limit)

    page = page_of(read, given.limit, told.PersonTold.model_validate)
    count = told.PeopleCountTold.model_validate(reports.count(whose)) if given.cursor is None else None
    desk.note_read(call, "people", given.filters(), len(page.rows), given.recall_id)
    return told.AnswerTold(data=told.PeoplePageTold(rows=page.rows, cursor=page.cursor, count=count))


def history(desk: Desk, call: AgentCall, given: asked.HistoryAsked) -> told.Outcomes:
    """Return what became of every key, newest first."""
    selection = given.selection(within(call.who, given.robot))

    def read(limit: int) -> ListPage[Any]:
        return desk.parts.pages.history(
            selection, outcome=given.outcome, actor=given.actor, cursor=given.cursor, limit=limit
        )

    def line(one: Any) -> told.ItemTold:
        return told.ItemTold(**told.fields_of(one, people=len(one.recipients)))

    page = page_of(read, given.limit, line)
    narrowed = {"outcome": given.outcome and given.outcome.value, "actor": given.actor}
    filters = given.filters() | {name: (value,) for name, value in narrowed.items() if value is not None}
    desk.note_read(call, "history", filters, len(page.rows), None)
    return told.AnswerTold(data=page)


def progress(desk: Desk, call: AgentCall, given: asked.ProgressAsked) -> told.Recalls:
    """Return where recalls stand: one, or all, newest first."""
    parts, number = desk.parts, given.recall_id
    if number is not None:
        look_up(number, parts, call.who)

    def read(limit: int) -> ListPage[Any]:
        if number is not None:
            return ListPage(values=[parts.recall_reports.result(number)], cursor=None)
        return parts.pages.recalls(cursor=given.cursor, limit=limit, who=call.who)

    page = page_of(read, given.limit, recall_of)
    desk.note_read(call, "progress", {}, len(page.rows), number)
    return told.AnswerTold(data=page, next=next_of(page.rows[0]) if number is not None else None)


def verify(desk: Desk, call: AgentCall, given: asked.VerifyAsked) -> told.Proof:
    """Check the whole history, and what people see against it; one at a time."""
    if not desk.proving.acquire(blocking=False):
        raise BusyError("the history is being checked already: try again when that is done")
    try:
        found = desk.parts.verifier.run_once(given.digest)
    finally:
        desk.proving.release()
    # Findings name what is out of somebody's bounds.
    listed = () if call.who.bounds else found.findings
    return told.AnswerTold(data=_proof(found, listed, () if call.who.bounds else found.disputed_recalls))


def _proof(found: Verification, listed: Sequence[Any], recalls: Sequence[int]) -> told.ProofTold:
    findings = [
        told.FindingTold(**told.fields_of(one, chain=told.text_of(one.chain), shown=told.text_of(one.shown)))
        for one in listed[: told.NAMED_MAX]
    ]
    shown = told.fields_of(replace(found, findings=()), findings=findings, disputed_recalls=told.first_of(recalls))
    return told.ProofTold(**shown)
