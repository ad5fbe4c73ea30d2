"""What texts of notices have in common: numbers, and what people wrote made harmless."""

from collections.abc import Mapping
from typing import Any

from ledger.core.json_value import printable

Facts = Mapping[str, Any]
_LONGEST_REASON = 300


def said(text: object) -> str:
    """Return what somebody wrote as it may be shown, long texts cut."""
    shown = printable(str(text or ""))
    return shown if len(shown) <= _LONGEST_REASON else f"{shown[:_LONGEST_REASON]}…"


def count_of(number: int, one: str, more: str) -> str:
    """Return a number with what it counts, in English."""
    return f"{number:,} {one if number == 1 else more}"
