"""Running a plan as it was shown: `ledger recall --plan ID --token T`."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ledger.core.recalls.kept_plan import read_plan
from ledger.entrypoints.cli.carry_out import carry_out, finish
from ledger.entrypoints.cli.in_advance import set_in_advance
from ledger.entrypoints.cli.screen.confirmation import confirm
from ledger.entrypoints.cli.screen.output import console
from ledger.entrypoints.cli.screen.plans import show_plan
from ledger.entrypoints.process.exits import Code
from ledger.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from ledger.core.access.roles import Identity
    from ledger.parts import Parts


def check_alone(asked: "Mapping[str, Any]", reason: str | None, *, is_more: bool) -> None:
    """Raise InputError when anything is selected or asked for beside a plan: what was shown is what is run."""
    if reason is not None or is_more or any(asked.values()):
        raise InputError(
            "--plan runs what was shown, so nothing is selected, said or asked for beside it: --yes, --at, --now, "
            "--break-glass, --stop-sending, --actor, --token-file and --json may be"
        )


def run_shown(
    parts: "Parts",
    recall_id: int | None,
    token: str | None,
    *,
    who: "Identity",
    yes: bool,
    at_once: bool,
    break_glass: bool,
    stops_sending: bool,
    run_at: "datetime | None" = None,
    as_json: bool,
) -> Code:
    """Run a plan as it was shown to somebody, or nothing; who has to be asked is shown it once more."""
    if token is None or recall_id is None:
        raise InputError("--plan and --token go together: `ledger recall … --dry-run` shows both")
    parts.lifecycle.check_shown(recall_id, token, who.name)
    report = parts.recall_reports.summary(recall_id)
    plan = replace(
        read_plan(report.plan, recall_id),
        excerpts=parts.planner.excerpts_of(recall_id),
        also_waiting=parts.waiting_beside.of_recall(recall_id),
    )
    if run_at is not None:
        parts.schedules.check(plan, run_at)
    if not yes:
        beside = parts.recall_reports.running_beside(recall_id)
        show_plan(
            console(to_stderr=as_json),
            plan,
            selection=report.selection,
            reason=report.result.reason,
            now=parts.clock.now(),
            until=report.result.sticky_until,
            beside=beside,
        )
        confirm(plan, report.selection)
    if run_at is not None:
        return set_in_advance(parts, plan, run_at, who, plan_token=token, as_json=as_json)
    without = report.result.reason if break_glass else None
    result = carry_out(
        parts,
        plan,
        who=who,
        at_once=at_once,
        break_glass=without,
        plan_token=token,
        stops_sending=stops_sending,
    )
    return finish(parts, result, plan, as_json=as_json)
