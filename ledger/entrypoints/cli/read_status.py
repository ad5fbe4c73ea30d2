"""Asking DingTalk what became of messages of which nobody can say: it costs calls, so somebody has to want it."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from ledger.entrypoints.cli.screen.confirmation import confirm_inquiry
from ledger.entrypoints.cli.screen.output import console, say
from ledger.entrypoints.cli.screen.words import number_of
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.parts import Parts


def verify_is_wanted(verify: bool, sample: int | None) -> bool:
    """Return whether DingTalk is to be asked; raise BadParameter for a sample of nothing."""
    if sample is not None and not verify:
        raise typer.BadParameter("--sample says how many of what is recalled --verify asks about: add --verify")
    return verify


def verify_first(
    parts: "Parts", recall_id: int, *, yes: bool, actor: str | None = None, sample: int | None = None
) -> None:
    """Settle what ended unknown or partial by its read status, once somebody has agreed to the cost.

    With a sample, so many that ended recalled are asked about too, and so many that ended unasked. Raise
    NotConfirmedError, and PausedError when somebody must fix something first.
    """
    cost = parts.read_status.cost(recall_id)
    drawn = parts.spot_checker.draw(recall_id, sample) if sample is not None else []
    unasked = parts.read_status.cost_of_unasked(recall_id, sample) if sample is not None else 0
    checks = len(drawn)
    calls = cost + checks + unasked
    if not calls:
        say("there is nothing to ask DingTalk about: no message inside its 24 hours is unknown or partial")
        return
    what = f"what became of {number_of(cost, 'message')}" if cost else ""
    gone = f"whether {number_of(checks, 'recalled message')} of a sample {'is' if checks == 1 else 'are'} gone"
    theirs = f"whether other hands have recalled {number_of(unasked, 'message')} that nobody here asked for"
    asks = " and ".join(filter(None, (what, gone if checks else "", theirs if unasked else "")))
    say(f"it costs {number_of(calls, 'call')} of the month's quota to ask DingTalk {asks}")
    if not yes:
        confirm_inquiry()
    screen = console(to_stderr=True)
    with screen.status("asking DingTalk") if screen.is_terminal else nullcontext():
        if cost + unasked:
            parts.read_status.run(recall_id, actor=who_acts(actor), sample=unasked)
        found = parts.spot_checker.run(recall_id, drawn, actor=who_acts(actor)) if drawn else None
    if cost:
        say(f"{cost - parts.read_status.cost(recall_id):,} of {number_of(cost, 'message')} settled")
    if found is not None:
        say(f"of {number_of(found.asked, 'recalled message')} {found.gone:,} gone, {found.still_there:,} still there")
