"""Recalling: plan, show the plan, have it confirmed, run it, show what came of it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.access.roles import Permission
from ledger.core.recalls.selection import campaigns_of, select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.carry_out import carry_out, finish
from ledger.entrypoints.cli.durations import read_duration
from ledger.entrypoints.cli.in_advance import At, read_moment, set_in_advance
from ledger.entrypoints.cli.options import Actor, Now, Sticky
from ledger.entrypoints.cli.planned_run import check_alone, run_shown
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.confirmation import confirm
from ledger.entrypoints.cli.screen.near import near_after, near_in_words
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say, say_command
from ledger.entrypoints.cli.screen.plans import finds_any, show_plan, why_nothing
from ledger.entrypoints.cli.screen.words import moment
from ledger.entrypoints.cli.stop_option import StopSending, check_stop, wants_stop
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import InputError, NothingEligibleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rich.console import Console

    from ledger.core.recalls.recall import Plan
    from ledger.core.recalls.selection import Selection
    from ledger.parts import Parts

    Meant = Mapping[str, Any]


@options.selecting(options.CampaignPatterns)
def recall(
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why, for the history. It has to be said, except with --plan.")
    ] = None,
    asked: options.SelectionOptions,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done; call nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Run without a question.")] = False,
    include_shared: Annotated[
        bool, typer.Option("--include-shared", help="With --user: also messages that reached other people.")
    ] = False,
    include_elsewhere: Annotated[
        bool, typer.Option("--include-elsewhere", help="Also messages that other hands have taken back.")
    ] = False,
    sticky: Sticky = None,
    at: At = None,
    now: Now = False,
    break_glass: Annotated[
        bool,
        typer.Option("--break-glass", help="Run without the second person that it needs; another one must review it."),
    ] = False,
    stop_sending: StopSending = None,
    plan_id: Annotated[
        int | None,
        typer.Option("--plan", metavar="ID", min=1, help="Run this plan, exactly as it was shown; takes --token."),
    ] = None,
    plan_token: Annotated[
        str | None, typer.Option("--token", metavar="T", help="With --plan: its token, from its JSON.")
    ] = None,
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> Code:
    """Take messages back.

    Show the plan, ask, run it (or let a worker, with --at), show what came of it. Exit 0 when all that was eligible is
    recalled, or set for then.
    """
    seconds = read_duration(sticky)
    if plan_id is not None or plan_token is not None:
        check_alone(asked, reason, is_more=dry_run or include_shared or include_elsewhere or sticky is not None)
    elif reason is None:
        raise InputError("--reason is missing: say why, for the history")
    run_at = read_moment(at, sticky=sticky, now=now, break_glass=break_glass, stop_sending=stop_sending)
    check_stop(stop_sending, asked["campaign"], is_plan=plan_id is not None)
    with opened() as parts:
        if plan_id is not None or reason is None:
            who = who_is(parts, Permission.RECALL, actor, token_file, plan_id)
            return run_shown(
                parts,
                plan_id,
                plan_token,
                who=who,
                yes=yes,
                at_once=now,
                break_glass=break_glass,
                run_at=run_at,
                stops_sending=bool(stop_sending),
                as_json=as_json,
            )
        who = who_is(parts, Permission.RECALL, actor, token_file)
        meant_parts = options.meant(parts, asked, who.bounds)
        selection = select(**meant_parts, include_elsewhere=include_elsewhere, within=who.bounds)
        plan = parts.planner.plan(
            selection,
            reason=reason,
            actor=who.name,
            include_shared=include_shared,
            is_proven=who.is_proven,
            # Nobody can run it, and whoever looks at `ledger recalls` would wonder what it was.
            keeps_empty=dry_run,
        )
        meant = selection.to_json()
        if run_at is not None:
            parts.schedules.check(plan, run_at)
        if plan.eligible and len(selection.campaigns) > 1 and (unknown := near_in_words(parts.names.near(selection))):
            say(f"note: {unknown}")
        nothing = None if plan.eligible else _why_nothing(parts, plan, selection)
        if dry_run:
            return _only_shown(parts, plan, meant, reason, seconds, nothing, as_json=as_json)
        _show_before(parts, plan, meant, reason, seconds, as_json=as_json)
        if nothing is not None:
            raise NothingEligibleError(nothing)
        if not yes:
            confirm(plan, meant)
        stops = wants_stop(stop_sending, campaigns_of(meant), is_sticky=seconds is not None, may_ask=not yes)
        if run_at is not None:
            return set_in_advance(parts, plan, run_at, who, as_json=as_json)
        without = reason if break_glass else None
        result = carry_out(parts, plan, seconds, who=who, at_once=now, break_glass=without, stops_sending=stops)
        return finish(parts, result, plan, as_json=as_json)


def _only_shown(
    parts: "Parts",
    plan: "Plan",
    meant: "Meant",
    reason: str,
    sticky_seconds: float | None,
    nothing: str | None,
    *,
    as_json: bool,
) -> Code:
    if as_json:
        document(plan)
    else:
        _show(console(), parts, plan, meant, reason, sticky_seconds)
    if nothing is not None:
        say(f"error: {nothing}")
        return Code.NOTHING_ELIGIBLE
    say(f"nothing was called: without --dry-run it runs. Exactly this plan runs until {moment(plan.valid_until)} with")
    say_command(f"ledger recall --plan {plan.recall_id} --token {plan.token}")
    return Code.DONE


def _why_nothing(parts: "Parts", plan: "Plan", selection: "Selection") -> str:
    """Say why nothing can be recalled; where nothing fits at all, also which names are near those that were given."""
    return why_nothing(plan) + ("" if finds_any(plan) else near_after(parts.names.near(selection)))


def _show_before(
    parts: "Parts", plan: "Plan", meant: "Meant", reason: str, sticky_seconds: float | None, *, as_json: bool
) -> None:
    """Show a plan that is about to run."""
    if plan.eligible:
        _show(console(to_stderr=as_json), parts, plan, meant, reason, sticky_seconds)


def _show(
    paper: "Console", parts: "Parts", plan: "Plan", meant: "Meant", reason: str, sticky_seconds: float | None
) -> None:
    now = parts.clock.now()
    until = now + timedelta(seconds=sticky_seconds) if sticky_seconds is not None else None
    beside = parts.recall_reports.running_beside(plan.recall_id) if plan.eligible else ()
    show_plan(paper, plan, selection=meant, reason=reason, now=now, until=until, beside=beside)
