"""Cursors: the place in a list where the next page starts, as a text that only we need to understand."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.clock import format_time, parse_time
from ledger.core.limits import cleaned
from ledger.errors import BadCursorError, InputError

Place = tuple[datetime | None, int]
LARGEST_ID = 2**63 - 1


def encode(place: Place) -> str:
    """Write a place, a time (if the list goes by one) and an id, as text for an address."""
    moment, number = place
    parts: Sequence[Any] = [format_time(moment) if moment else None, number]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(text: str, *, by_time: bool) -> Place:
    """Read a place back; raise BadCursorError for what `encode` did not write, or wrote of another kind of list."""
    try:
        moment, number = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        place = parse_time(moment) if moment is not None else None, number
    except (ValueError, TypeError, AttributeError, RecursionError, InputError):
        raise BadCursorError from None
    if (place[0] is not None) is not by_time or type(number) is not int or not 0 <= number <= LARGEST_ID:
        raise BadCursorError
    return place


def encode_name(name: str) -> str:
    """Write the last name of a part of a list that goes by names, as text for an address."""
    return base64.urlsafe_b64encode(json.dumps(name, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_name(text: str) -> str:
    """Read a name back; raise BadCursorError for what `encode_name` did not write."""
    try:
        name = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise BadCursorError from None
    if not isinstance(name, str) or cleaned(name) != name:
        raise BadCursorError
    return name
