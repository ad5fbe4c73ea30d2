"""Sticky recalls in words: what arrived late, and what takes it back."""

from datetime import datetime
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.words import number_of

if TYPE_CHECKING:
    from ledger.core.recalls.recall import Result


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
