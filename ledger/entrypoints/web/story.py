"""The story of a recall: what was done with it, and how long what followed lasted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core.recalls.course import STARTS
from ledger.core.recalls.recall import Status

WORK, PAUSE, WAIT = "work", "pause", "wait"
_LEADS_TO = {**dict.fromkeys(STARTS, WORK), "paused": PAUSE, "planned": WAIT, "finished": WAIT, "cancel": WAIT}
_GOES_ON = (Status.RUNNING, Status.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Something that was done; after it came `kind`, for so many seconds (None: nothing follows)."""

    entry: Mapping[str, Any]
    kind: str
    seconds: float | None


def story_of(timeline: Sequence[Mapping[str, Any]], status: Status, now: datetime) -> list[Chapter]:
    """Tell a timeline with durations; what goes on lasts until now."""
    chapters: list[Chapter] = []
    kind = WAIT
    for at, entry in enumerate(timeline):
        kind = _LEADS_TO.get(entry["event"], kind)
        is_last = at + 1 == len(timeline)
        until = timeline[at + 1]["at"] if not is_last else now if status in _GOES_ON else None
        seconds = max((until - entry["at"]).total_seconds(), 0.0) if until is not None else None
        chapters.append(Chapter(entry=entry, kind=kind, seconds=seconds))
    return chapters
