"""Whose turn it is among running recalls: the nearest deadline, but a small recall is not stuck behind a huge one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

# One turn in so many goes to the recall that has been served least.
FAIR_TURN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first waiting item of a recall: its lane and its deadline."""

    recall_id: int
    lane: int
    deadline: datetime


def choose(heads: Sequence[Head], served: Mapping[int, int]) -> Head | None:
    """Return the head whose turn it is; `served` counts the turns that each recall has had."""
    if not heads:
        return None
    if len(heads) > 1 and sum(served.values()) % FAIR_TURN == FAIR_TURN - 1:
        return min(heads, key=lambda head: (served.get(head.recall_id, 0), head.deadline, head.recall_id))
    return min(heads, key=lambda head: (head.deadline, head.recall_id))
