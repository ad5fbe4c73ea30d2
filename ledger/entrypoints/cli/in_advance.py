"""Recalls set in advance: what is typed for one, and what is said of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.clock import parse_time
from ledger.entrypoints.cli.screen.output import console, document
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.process.exits import Code, code_of_result
from ledger.errors import InputError

if TYPE_CHECKING:
    from ledger.core.access.roles import Identity
    from ledger.core.recalls.recall import Plan
    from ledger.parts import Parts

At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="Confirm now, and let a worker run it then, as in 2026-03-01T18:00+08:00."
    ),
]


def read_moment(at: str | None, **others: object) -> datetime | None:
    """Read when a recall is to run; raise InputError for no time, or beside an option of one that runs now."""
    if at is None:
        return None
    if not at.strip():
        raise InputError("--at is empty: give it a time or leave it out")
    for name, value in others.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"--at and {option} exclude each other: {option} is for a recall that runs now")
    return parse_time(at)


def set_in_advance(
    parts: "Parts",
    plan: "Plan",
    run_at: datetime,
    who: "Identity",
    *,
    plan_token: str | None = None,
    as_json: bool,
) -> Code:
    """Set a confirmed plan for its moment, and say so."""
    result = parts.schedules.set(plan.recall_id, run_at, actor=who.name, is_proven=who.is_proven, plan_token=plan_token)
    if as_json:
        document(result)
    else:
        show_result(console(), result, (), now=parts.clock.now())
    return code_of_result(result)
