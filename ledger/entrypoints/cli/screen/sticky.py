"""Sticky recalls in words: until when what arrives late is taken along, and what that needs."""

from datetime import datetime
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.words import moment, number_of

if TYPE_CHECKING:
    from ledger.core.recall import Result


def sticky_until(until: datetime) -> str:
    """Say until when a plan would take what arrives late, and what that needs."""
    return f"until {moment(until)}, what is still recorded is recalled too: `ledger worker` must run"


def late_in_words(result: "Result", now: datetime) -> str | None:
    """Say what was recorded after the plan and what takes it back; None when there is nothing to say."""
    if not result.late:
        return None
    was = "was" if result.late == 1 else "were"
    late = f"{number_of(result.late, 'message')} {was} recorded after the plan"
    if is_sticky(result, now):
        return f"{late}: ledger worker takes {'it' if result.late == 1 else 'them'} back"
    return f"{late}: ledger recall … again, or --sticky"


def is_sticky(result: "Result", now: datetime) -> bool:
    """Say whether a recall still takes what arrives late."""
    return result.sticky_until is not None and result.sticky_until > now
