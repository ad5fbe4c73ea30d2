"""Carrying out: run a confirmed plan under somebody's eyes, and show what came of a recall."""

from typing import TYPE_CHECKING

from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.screen.output import console, document, say
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.cli.screen.words import plain
from ledger.entrypoints.process.exits import Code, code_of_result
from ledger.errors import AccessError, InputError

if TYPE_CHECKING:
    from ledger.core.access.roles import Identity
    from ledger.core.recalls.recall import Plan, Result
    from ledger.parts import Parts


def carry_out(
    parts: "Parts",
    plan: "Plan",
    sticky_seconds: float | None = None,
    *,
    who: "Identity",
    at_once: bool = False,
    break_glass: str | None = None,
    plan_token: str | None = None,
    stops_sending: bool = False,
) -> "Result":
    """Run a confirmed plan with its progress on the screen; it sticks from the start, whatever becomes of the run.

    With `stops_sending`, what is still being sent of its campaigns is stopped before, and stays so.
    """
    if stops_sending:
        stop_sending(parts, plan, who=who)
    if sticky_seconds is not None:
        parts.sticky.stick(plan.recall_id, sticky_seconds, actor=who.name)
    try:
        return run_interruptibly(
            parts,
            plan.recall_id,
            lambda show: parts.lifecycle.run(
                plan.recall_id,
                actor=who.name,
                is_proven=who.is_proven,
                plan_token=plan_token,
                break_glass=break_glass,
                on_progress=show,
                at_once=at_once,
            ),
            actor=who.name,
        )
    except (AccessError, InputError):
        # It never started: another recall was quicker, or the question was left open for too long.
        if sticky_seconds is not None:
            parts.sticky.unstick(plan.recall_id, actor=who.name)
        raise


def stop_sending(parts: "Parts", plan: "Plan", *, who: "Identity") -> None:
    """Let nothing more of the campaigns of a plan be sent, and say how they are sent again."""
    campaigns = parts.recall_reports.result(plan.recall_id).campaigns
    parts.sending_stops.stop(campaigns, actor=who.name, bounds=who.bounds, recall_id=plan.recall_id)
    names = ", ".join(map(plain, campaigns))
    say(f"the gateway, and clients watched for it, send nothing more of {names}: `ledger allow` lets them again")


def finish(parts: "Parts", result: "Result", plan: "Plan | None" = None, *, as_json: bool) -> Code:
    """Show what came of a recall; return the exit code."""
    from ledger.services.reports.people import Whose

    people = parts.people.count(Whose(recall_id=result.recall_id))
    if as_json:
        document(result.to_json() | {"people": people})
    else:
        # Reading a large recall whole takes a while: only for what it alone can tell.
        report = None if plan is not None and result.is_complete else parts.current_recalls.report(result.recall_id)
        items = () if report is None else report.items
        calls = plan.calls if plan is not None else report.plan.get("calls") if report is not None else None
        now = parts.clock.now()
        show_result(console(), result, items, now=now, planned_calls=calls, people=people)
    return code_of_result(result)
