"""The question before a recall; the more it takes back, the more has to be typed."""

import sys
from typing import TYPE_CHECKING

import typer

from ledger.entrypoints.cli.output import say
from ledger.entrypoints.cli.plans import whom
from ledger.entrypoints.cli.words import plain
from ledger.errors import NotConfirmedError

if TYPE_CHECKING:
    from ledger.core.recall import Plan

# One line on a screen is enough for what a few people got; beyond, a y typed from habit is not.
SMALL_MESSAGES = 20
SMALL_RECIPIENTS = 400


def confirm(plan: "Plan", campaign: str | None) -> None:
    """Ask on the terminal whether to run a plan; raise NotConfirmedError when nobody said yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmedError(
            "nothing was recalled: somebody has to confirm, and this is no terminal. --yes confirms beforehand"
        )
    is_small = plan.eligible <= SMALL_MESSAGES and plan.recipients <= SMALL_RECIPIENTS
    if not (_asked_small(plan) if is_small else _asked_large(plan, campaign)):
        raise NotConfirmedError("nothing was recalled: it was not confirmed")


def _asked_small(plan: "Plan") -> bool:
    return _answer(f"Take back {whom(plan)}? [y/N]").lower() in ("y", "yes")


def _asked_large(plan: "Plan", campaign: str | None) -> bool:
    wanted = campaign if campaign is not None else str(plan.eligible)
    say(f"Take back {whom(plan)}? That is more than a y is enough for.")
    given = _answer(f"Type {plain(wanted)} to confirm:")
    return given == wanted or (campaign is None and given.replace(",", "") == wanted)


def _answer(question: str) -> str:
    typer.echo(f"{question} ", err=True, nl=False)
    try:
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        typer.echo(err=True)
        return ""
