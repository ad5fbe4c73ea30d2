"""Tools that act, and cannot act alone: they plan a recall, and run it as it was shown or ask for another person."""

from ledger.clock import format_time
from ledger.core.json_value import printable
from ledger.core.recalls.recall import Plan
from ledger.entrypoints.agents import asked, told
from ledger.entrypoints.agents.callers import AgentCall
from ledger.entrypoints.agents.desk import APPROVE, Desk, next_of, recall_of
from ledger.entrypoints.formats.decisions import decision
from ledger.entrypoints.http.door import within
from ledger.entrypoints.http.seen_recall import look_up
from ledger.errors import ApprovalNeededError


def plan_recall(desk: Desk, call: AgentCall, given: asked.PlanAsked) -> told.Planned:
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
    asked_for = selection.to_json()
    sentence = decision(plan.eligible, plan.recipients, asked_for, name=printable, time=format_time, taken=plan.taken)
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
        return "Nothing of this can be recalled, so nothing is to run: `campaigns` lists what can, by its exact name."
    asks = "Show the person you act for this plan, its look-alikes and its stops, and ask whether it is what they mean."
    if plan.approval is None:
        return f"Nothing was recalled. {asks} Only then: run_recall with plan_id and token."
    return (
        f"Nothing was recalled. {asks} Then run_recall with plan_id and token asks for a second person: "
        f"{APPROVE.format(plan.recall_id)}."
    )


def run_recall(desk: Desk, call: AgentCall, given: asked.RunAsked) -> told.Recalls:
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
    recall = recall_of(result)
    return told.AnswerTold(data=told.PageTold[told.RecallTold](rows=[recall], cursor=None), next=next_of(recall))
