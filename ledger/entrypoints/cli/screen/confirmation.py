"""The questions before a recall and before what costs calls; the more is at stake, the more has to be typed."""

import sys
from typing import TYPE_CHECKING

import typer

from ledger.core.corrections.correction import confirmation_of_correction
from ledger.core.recalls.confirmation import Confirmation, confirmation_of
from ledger.entrypoints.cli.screen.decision import correction_decision, decision_of
from ledger.entrypoints.cli.screen.output import say
from ledger.entrypoints.cli.screen.words import plain
from ledger.entrypoints.process.streams import has_reader
from ledger.errors import NotConfirmedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ledger.core.corrections.correction import CorrectionPlan
    from ledger.core.recalls.recall import Plan

# Whoever slips has typed something, and means it.
MORE_TRIES = 2
NOT_COVERED = "The month's quota does not cover it: it will pause when that is used up."


def confirm(plan: "Plan", selection: "Mapping[str, Any]") -> None:
    """Ask on the terminal whether to run a plan; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was recalled")
    needed = confirmation_of(plan.to_json(), selection)
    question = f"Really {decision_of(plan, selection)}?"
    message = _is_typed(question, needed) if needed.typed else _is_yes(f"{question} [y/N]")
    if not message:
        raise NotConfirmedError("nothing was recalled: it was not confirmed")


def confirm_correction(plan: "CorrectionPlan") -> None:
    """Ask on the terminal whether to send a correction; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was sent")
    needed = confirmation_of_correction(plan.people, plan.quota)
    question = f"Really {correction_decision(plan)}?"
    if not (_is_typed(question, needed) if needed.typed else _is_yes(f"{question} [y/N]")):
        raise NotConfirmedError("nothing was sent: it was not confirmed")


def confirm_stop(campaigns: "Sequence[str]") -> bool:
    """Ask on the terminal whether what is still being sent is to be stopped as well."""
    names = ", ".join(map(plain, campaigns))
    return _is_yes(f"Also refuse what is still sent of {names}, until `ledger allow`? [y/N]")


def confirm_inquiry() -> None:
    """Ask on the terminal whether to spend calls on questions; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was asked")
    if not _is_yes("Ask DingTalk? [y/N]"):
        raise NotConfirmedError("nothing was asked: it was not confirmed")


def confirm_retry() -> None:
    """Ask whether to ask again, where somebody sits at a terminal; raise NotConfirmedError when that is a no.

    Scripts are not asked: what they ask for again was confirmed when it was recalled.
    """
    if _is_terminal() and not _is_yes("Ask again? [y/N]"):
        raise NotConfirmedError("nothing was asked again: it was not confirmed")


def confirm_erasure() -> None:
    """Ask on the terminal whether to erase a person; raise NotConfirmedError when nobody said yes."""
    _need_terminal("nothing was erased")
    if not _is_yes("Erase this person for good? [y/N]"):
        raise NotConfirmedError("nothing was erased: it was not confirmed")


def _need_terminal(so: str) -> None:
    if not _is_terminal():
        raise NotConfirmedError(f"{so}: somebody has to confirm, and this is no terminal. --yes confirms beforehand")
    if not has_reader():
        raise NotConfirmedError(f"{so}: nobody reads what was to be confirmed")


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _is_yes(question: str) -> bool:
    return _answer(question).lower() in ("y", "yes")


def _is_typed(question: str, needed: Confirmation) -> bool:
    say(question if needed.is_covered else f"{question} {NOT_COVERED}")
    wanted = f"Type {' or '.join(map(plain, needed.typed))} to confirm"
    answer = _answer(f"{wanted}:")
    for _ in range(MORE_TRIES):
        if not answer or needed.accepts(answer):
            break
        answer = _answer(f"That is not it. {wanted}, or nothing to leave it:")
    return needed.accepts(answer)


def _answer(question: str) -> str:
    typer.echo(f"{plain(question)} ", err=True, nl=False)
    try:
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        typer.echo(err=True)
        return ""
