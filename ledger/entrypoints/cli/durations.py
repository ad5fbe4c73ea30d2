"""Lengths of time as people write them: 90s, 30m, 24h."""

import re

from ledger.errors import InputError

LONGEST_SECONDS = 86_400
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def read_interval(text: str) -> float:
    """Read how often to look into seconds; raise InputError for what is no time, or over a day."""
    return _read(text, "--interval", "look at least once in 24h")


def read_notice(text: str) -> float:
    """Read how long before a deadline to tell of it into seconds; raise InputError for what is no time, or too long."""
    return _read(text, "--before", "no message can be recalled after 24h")


def read_duration(text: str | None) -> float | None:
    """Read a length of time into seconds, None from None; raise InputError for what is none, or over a day."""
    return None if text is None else _read(text, "--sticky", "a recall can be sticky for at most 24h")


def read_expiry(text: str | None) -> float | None:
    """Read after how long a message shall vanish into seconds, None from None; raise InputError for what is no time."""
    return None if text is None else _read(text, "--expires-in", "no message can be recalled after 24h")


def _read(text: str, option: str, longest: str) -> float:
    found = _SPAN.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise InputError(f"{option} {text!r} is no length of time: write it as in 90s, 30m or 24h")
    if seconds > LONGEST_SECONDS:
        raise InputError(f"{option} {text!r} is too long: {longest}")
    return seconds
