"""The tools: what each one says of itself, what it needs, and the one service that it calls.

None of them approves, breaks the glass, sets a policy, sends, corrects or tags; none gives what another one must not.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledger.clock import format_time
from ledger.core.cursor import decode_name, encode_name
from ledger.core.json_value import printable
from ledger.core.reads import Read
from ledger.core.recall import Plan, Result, Status
from ledger.core.roles import Permission
from ledger.entrypoints.agents import asked, told
from ledger.entrypoints.agents.callers import AgentCall
from ledger.entrypoints.formats.decisions import decision
from ledger.entrypoints.http.door import within
from ledger.entrypoints.http.seen_recall import look_up
from ledger.errors import ApprovalNeededError, BadCursorError, BusyError, InputError
from ledger.parts import Parts
from ledger.services.recalls.run_in import RunIn
from ledger.services.reports.list_page import ListPage
from ledger.services.reports.people import Whose
from ledger.services.reports.verifier import Verification

# An answer of more is too long for any model: it gets fewer rows, and asks for the next ones.
ANSWER_MAX_BYTES = 64_000
Campaigns = told.AnswerTold[told.PageTold[told.CampaignTold]]
Messages = told.AnswerTold[told.PageTold[told.MessageTold]]
People = told.AnswerTold[told.PeoplePageTold]
Recalls = told.AnswerTold[told.PageTold[told.RecallTold]]
Outcomes = told.AnswerTold[told.PageTold[told.ItemTold]]
Proof = told.AnswerTold[told.ProofTold]
Planned = told.AnswerTold[told.PlanTold]
_APPROVE = "Another person than the one you act for has to agree, in the console or with `ledger approve {}`"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with."""

    parts: Parts
    run_in: RunIn
    proving: threading.Lock

    def note_read(self, call: AgentCall, tool: str, filters: Mapping[str, Any], rows: int, recall: int | None) -> None:
        """Note who read the audit, as for a route of the service."""
        parts = self.parts
        parts.read_log.note(
            Read(
                at=parts.clock.now(),
                actor=call.actor,
                route=f"mcp:{tool}",
                recall_id=recall,
                filters=filters,
                rows=rows,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTool:
    """A tool: `changes` says that it changes something, `takes_back` that this cannot be undone."""

    name: str
    title: str
    description: str
    permission: Permission
    asks: type[asked.Asked]
    tells: type[told.AnswerTold[Any]]
    work: Callable[[Desk, AgentCall, Any], told.AnswerTold[Any]]
    changes: bool = False
    takes_back: bool = False


def campaigns(desk: Desk, call: AgentCall, given: asked.CampaignsAsked) -> Campaigns:
    """Return what can still be recalled, soonest deadline first."""
    lines, start = desk.parts.campaigns(call.who.bounds), _place(given.cursor)

    def read(limit: int) -> ListPage[Any]:
        more = encode_name(str(start + limit)) if len(lines) > start + limit else None
        return ListPage(values=lines[start : start + limit], cursor=more)

    return told.AnswerTold(data=_page(read, given.limit, told.CampaignTold.model_validate))


def _place(cursor: str | None) -> int:
    place = decode_name(cursor) if cursor is not None else "0"
    if not (place.isascii() and place.isdigit() and len(place) < 10):
        raise BadCursorError
    return int(place)


def messages(desk: Desk, call: AgentCall, given: asked.MessagesAsked) -> Messages:
    """Return what is recorded, soonest deadline first."""
    selection = given.selection(within(call.who, given.robot))

    def read(limit: int) -> ListPage[Any]:
        return desk.parts.pages.messages(selection, only_recallable=given.recallable, cursor=given.cursor, limit=limit)

    def line(one: Any) -> told.MessageTold:
        reached = one.recipients
        return told.MessageTold(**told.fields_of(one, people=len(reached), users=told.first_of(reached)))

    return told.AnswerTold(data=_page(read, given.limit, line))


def people(desk: Desk, call: AgentCall, given: asked.ReachedAsked) -> People:
    """Return whom messages reached, and what they have of them."""
    selection, reports = given.selection(within(call.who, given.robot)), desk.parts.people
    if given.recall_id is not None:
        if not selection.is_empty:
            raise InputError("a recall has its own messages: give recall_id, or what is selected, not both")
        look_up(given.recall_id, desk.parts, call.who)
    whose = Whose(recall_id=given.recall_id, selection=selection)

    def read(limit: int) -> ListPage[Any]:
        return reports.page(whose, standing=given.only, cursor=given.cursor, limit=limit)

    page = _page(read, given.limit, told.PersonTold.model_validate)
    count = told.PeopleCountTold.model_validate(reports.count(whose)) if given.cursor is None else None
    desk.note_read(call, "people", given.filters(), len(page.rows), given.recall_id)
    return told.AnswerTold(data=told.PeoplePageTold(rows=page.rows, cursor=page.cursor, count=count))


def history(desk: Desk, call: AgentCall, given: asked.HistoryAsked) -> Outcomes:
    """Return what became of every key, newest first."""
    selection = given.selection(within(call.who, given.robot))

    def read(limit: int) -> ListPage[Any]:
        return desk.parts.pages.history(
            selection, outcome=given.outcome, actor=given.actor, cursor=given.cursor, limit=limit
        )

    def line(one: Any) -> told.ItemTold:
        return told.ItemTold(**told.fields_of(one, people=len(one.recipients)))

    page = _page(read, given.limit, line)
    narrowed = {"outcome": given.outcome and given.outcome.value, "actor": given.actor}
    filters = given.filters() | {name: (value,) for name, value in narrowed.items() if value is not None}
    desk.note_read(call, "history", filters, len(page.rows), None)
    return told.AnswerTold(data=page)


def progress(desk: Desk, call: AgentCall, given: asked.ProgressAsked) -> Recalls:
    """Return where recalls stand: one, or all, newest first."""
    parts, number = desk.parts, given.recall_id
    if number is not None:
        look_up(number, parts, call.who)

    def read(limit: int) -> ListPage[Any]:
        if number is not None:
            return ListPage(values=[parts.recall_reports.result(number)], cursor=None)
        return parts.pages.recalls(cursor=given.cursor, limit=limit, who=call.who)

    page = _page(read, given.limit, _recall)
    desk.note_read(call, "progress", {}, len(page.rows), number)
    return told.AnswerTold(data=page, next=_next(page.rows[0]) if number is not None else None)


def _recall(result: Result) -> told.RecallTold:
    return told.RecallTold(**told.fields_of(result, campaigns=told.first_of(result.campaigns)))


def _next(recall: told.RecallTold) -> str | None:
    """Say what to do about a recall that has not ended."""
    if recall.status is Status.PLANNED and recall.approval is not None and recall.approval.requested_by is not None:
        return f"Nothing was recalled yet. {_APPROVE.format(recall.recall_id)}; then it runs: look with `progress`."
    if recall.status is Status.RUNNING:
        return "It runs: look again with `progress`."
    if recall.status is Status.PAUSED:
        return "It is paused until a person has fixed what `error` says, and resumes it."
    return None


def verify(desk: Desk, call: AgentCall, given: asked.VerifyAsked) -> Proof:
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


def plan_recall(desk: Desk, call: AgentCall, given: asked.PlanAsked) -> Planned:
    """Plan a recall on somebody's behalf: say what it would do, and call nothing."""
    selection = given.selection(within(call.who, given.robot))
    plan = desk.parts.planner.plan(
        selection,
        reason=given.reason,
        actor=call.actor,
        include_shared=given.include_shared,
        is_proven=call.who.is_proven,
        run_in=desk.run_in,
    )
    sentence = decision(plan.eligible, plan.recipients, selection.to_json(), name=printable, time=format_time)
    shown = told.fields_of(
        plan,
        plan_id=plan.recall_id,
        decision=sentence[0].upper() + sentence[1:],
        needs_approval=plan.approval is not None,
        by_campaign=told.first_of(plan.by_campaign),
        reason=given.reason,
    )
    return told.AnswerTold(data=told.PlanTold(**shown), next=_next_of_plan(plan))


def _next_of_plan(plan: Plan) -> str:
    if not plan.eligible:
        return "Nothing of this can be recalled, so there is nothing to run."
    asks = "Show the person you act for this plan, its look-alikes and its stops, and ask whether it is what they mean."
    if plan.approval is None:
        return f"Nothing was recalled. {asks} Only then: run_recall with plan_id and token."
    return (
        f"Nothing was recalled. {asks} Then run_recall with plan_id and token asks for a second person: "
        f"{_APPROVE.format(plan.recall_id)}."
    )


def run_recall(desk: Desk, call: AgentCall, given: asked.RunAsked) -> Recalls:
    """Run a plan as it was shown, or ask for the second person that it needs."""
    parts = desk.parts
    look_up(given.plan_id, parts, call.who)
    try:
        result = parts.lifecycle.run(
            given.plan_id,
            actor=call.actor,
            is_proven=call.who.is_proven,
            run_in=desk.run_in,
            plan_token=given.token,
        )
    except ApprovalNeededError:
        result = parts.recall_reports.result(given.plan_id)
    recall = _recall(result)
    return told.AnswerTold(data=told.PageTold[told.RecallTold](rows=[recall], cursor=None), next=_next(recall))


def _page(read: Callable[[int], ListPage[Any]], limit: int, line: Callable[[Any], Any]) -> told.PageTold[Any]:
    """Return a page of as many rows as are asked for, or of fewer when they are too long for an answer."""
    while True:
        found = read(limit)
        page = told.PageTold[Any](rows=[line(one) for one in found.values], cursor=found.cursor)
        if limit == 1 or len(page.model_dump_json()) <= ANSWER_MAX_BYTES:
            return page
        limit //= 2


_CUT = "A long list comes in parts: go on with `cursor`."
TOOLS: Sequence[AgentTool] = (
    AgentTool(
        name="campaigns",
        title="What can still be recalled",
        description=f"List campaigns of DingTalk messages, with how many can still be recalled and until when. {_CUT}",
        permission=Permission.SEE,
        asks=asked.CampaignsAsked,
        tells=Campaigns,
        work=campaigns,
    ),
    AgentTool(
        name="messages",
        title="What is recorded",
        description=f"List recorded messages, soonest deadline first, all of them or what is selected. {_CUT}",
        permission=Permission.SEE,
        asks=asked.MessagesAsked,
        tells=Messages,
        work=messages,
    ),
    AgentTool(
        name="people",
        title="Who has it",
        description=f"List whom selected messages, or those of one recall, reached, and what each still has. {_CUT}",
        permission=Permission.SEE,
        asks=asked.ReachedAsked,
        tells=People,
        work=people,
    ),
    AgentTool(
        name="progress",
        title="Where recalls stand",
        description=f"Say where one recall stands, or all of them, newest first. {_CUT}",
        permission=Permission.SEE,
        asks=asked.ProgressAsked,
        tells=Recalls,
        work=progress,
    ),
    AgentTool(
        name="history",
        title="What became of every key",
        description=f"List the outcomes of recalled messages, newest first: who recalled what, when and why. {_CUT}",
        permission=Permission.SEE,
        asks=asked.HistoryAsked,
        tells=Outcomes,
        work=history,
    ),
    AgentTool(
        name="verify",
        title="Prove the history",
        description="Check that nobody rewrote the history; this reads all of it and may take minutes.",
        permission=Permission.SEE,
        asks=asked.VerifyAsked,
        tells=Proof,
        work=verify,
    ),
    AgentTool(
        name="plan_recall",
        title="Plan a recall",
        description=(
            "Say what a recall of selected messages would do: how many messages, of which campaigns, from how many "
            "people, what looks like them, what would stop it. Nothing is recalled. Show the plan to the person whom "
            "you act for."
        ),
        permission=Permission.RECALL,
        asks=asked.PlanAsked,
        tells=Planned,
        work=plan_recall,
        changes=True,
    ),
    AgentTool(
        name="run_recall",
        title="Run a planned recall",
        description=(
            "Take back the messages of a plan exactly as plan_recall showed it; that cannot be undone. Call it only "
            "when the person whom you act for has seen that plan and wants it. Beyond what agents may do alone it "
            "recalls nothing, and asks another person to approve."
        ),
        permission=Permission.RECALL,
        asks=asked.RunAsked,
        tells=Recalls,
        work=run_recall,
        changes=True,
        takes_back=True,
    ),
)
