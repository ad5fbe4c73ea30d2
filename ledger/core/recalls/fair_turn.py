"""Whose turn it is: the nearest deadline, but nothing small is stuck behind something huge."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

# One turn in so many goes to whoever has been served least.
FAIR_TURN = 4

Who = TypeVar("Who", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first waiting item of a recall: its lane and its deadline."""

    item_id: int
    lane: int
    deadline: datetime


def choose(deadlines: Mapping[Who, datetime], served: Mapping[Who, int]) -> Who | None:
    """Return whose turn it is of those that wait, by their nearest deadlines; among equals, the first.

    `served` counts the turns that each has had.
    """
    if len(deadlines) > 1 and sum(served.values()) % FAIR_TURN == FAIR_TURN - 1:
        return min(deadlines, key=lambda who: (served.get(who, 0), deadlines[who]))
    return min(deadlines, key=lambda who: deadlines[who], default=None)
