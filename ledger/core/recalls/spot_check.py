"""Spot checks: what DingTalk says of messages that it had said were recalled.

The history keeps both: a check that found some still there contradicts the recall until a later one finds them gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core.json_value import JsonValue

# What was asked and is gone; and what is still there, as loud as a recall that failed.
CHECKED, CONTRADICTED = "spot_checked", "contradicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StillThere(JsonValue):
    """A message that a recall took back, and of which DingTalk said later that it is there; who asked, and when."""

    process_query_key: str
    status: str
    checked_at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotCheck(JsonValue):
    """What a check of recalled messages found: of so many asked, `gone`, `still_there`, and of the rest nobody said."""

    asked: int
    gone: int
    still_there: int


def still_there(said: Iterable[tuple[datetime, str, str, Mapping[str, Any]]]) -> tuple[StillThere, ...]:
    """Return what is contradicted after all checks of a recall: their times, events, actors and details, in order."""
    found: dict[int, StillThere] = {}
    for at, event, actor, detail in said:
        if event == CONTRADICTED:
            for item_id, key, status in detail["still_there"]:
                found[item_id] = StillThere(process_query_key=key, status=status, checked_at=at, actor=actor)
        elif event == CHECKED:
            for item_id in detail["gone"]:
                found.pop(item_id, None)
    return tuple(found.values())
