"""Lengths of time as people write them: 90s, 30m, 24h."""

import re

from ledger.errors import InputError

LONGEST_SECONDS = 86_400
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def read_duration(text: str | None) -> float | None:
    """Read a length of time into seconds, None from None; raise InputError for what is none, or over a day."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise InputError(f"--sticky {text!r} is no length of time: write it as in 90s, 30m or 24h")
    if seconds > LONGEST_SECONDS:
        raise InputError(f"--sticky {text!r} is too long: a recall can be sticky for at most 24h")
    return seconds
