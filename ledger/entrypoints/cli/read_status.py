"""Asking DingTalk what became of messages of which nobody can say: it costs calls, so somebody has to want it."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.confirmation import confirm_inquiry
from ledger.entrypoints.cli.screen.output import console, say
from ledger.entrypoints.cli.screen.words import number_of
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.parts import Parts


def verify_first(parts: "Parts", recall_id: int, *, yes: bool, actor: str | None = None) -> None:
    """Settle what ended unknown or partial by its read status, once somebody has agreed to the cost.

    Raise NotConfirmedError, and PausedError when somebody must fix something first.
    """
    cost = parts.read_status.cost(recall_id)
    if not cost:
        say("there is nothing to ask DingTalk about: no one-on-one message inside its 24 hours is unknown or partial")
        return
    say(f"it costs {number_of(cost, 'call')} of the month's quota to ask DingTalk what became of as many messages")
    if not yes:
        confirm_inquiry()
    screen = console(to_stderr=True)
    with screen.status("asking DingTalk") if screen.is_terminal else nullcontext():
        parts.read_status.run(recall_id, actor=who_acts(actor))
    settled = cost - parts.read_status.cost(recall_id)
    say(f"{settled:,} of {number_of(cost, 'message')} settled")
