"""The questions before a recall and before what costs calls; the more is at stake, the more has to be typed."""

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
TOO_LARGE = "That is more than a y is enough for."
NOT_COVERED = "The month's quota does not cover it: the recall will pause when it is used up."


def confirm(plan: "Plan", campaign: str | None) -> None:
    """Ask on the terminal whether to run a plan; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was recalled")
    is_small = plan.eligible <= SMALL_MESSAGES and plan.recipients <= SMALL_RECIPIENTS
    if plan.quota["after"] < 0:
        said = _is_typed(plan, campaign, NOT_COVERED)
    elif is_small:
        said = _is_yes(f"Take back {whom(plan)}? [y/N]")
    else:
        said = _is_typed(plan, campaign, TOO_LARGE)
    if not said:
        raise NotConfirmedError("nothing was recalled: it was not confirmed")


def confirm_inquiry() -> None:
    """Ask on the terminal whether to spend calls on questions; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was asked")
    if not _is_yes("Ask DingTalk? [y/N]"):
        raise NotConfirmedError("nothing was asked: it was not confirmed")


def _need_terminal(so: str) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmedError(f"{so}: somebody has to confirm, and this is no terminal. --yes confirms beforehand")


def _is_yes(question: str) -> bool:
    return _answer(question).lower() in ("y", "yes")


def _is_typed(plan: "Plan", campaign: str | None, why: str) -> bool:
    wanted = campaign if campaign is not None else str(plan.eligible)
    say(f"Take back {whom(plan)}? {why}")
    given = _answer(f"Type {plain(wanted)} to confirm:")
    return given == wanted or (campaign is None and given.replace(",", "") == wanted)


def _answer(question: str) -> str:
    typer.echo(f"{question} ", err=True, nl=False)
    try:
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        typer.echo(err=True)
        return ""
