"""The state of a recall as people see it: more than its status, which says nothing of who has to do something."""

from datetime import datetime
from enum import StrEnum

from ledger.core.recalls.recall import Result, Status


class RecallState(StrEnum):
    """How a recall stands for those who look at a list of them."""

    TO_APPROVE = "to_approve"  # a plan that waits for a second person
    TO_REVIEW = "to_review"  # it ran without the second person that it needed
    SCHEDULED = "scheduled"  # a plan that waits for the moment that was set for it
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    PARTLY = "partly"  # it has finished, and not all is recalled
    FINISHED = "finished"
    CANCELLED = "cancelled"


def state_of(result: Result, now: datetime) -> RecallState:
    """Return how a recall stands."""
    if result.status is Status.PLANNED:
        waits = result.approval is not None and result.approval.is_open(now)
        if waits:
            return RecallState.TO_APPROVE
        return RecallState.SCHEDULED if result.is_scheduled else RecallState.PLANNED
    if result.status in (Status.RUNNING, Status.PAUSED):
        return RecallState(result.status)
    if result.break_glass is not None and result.break_glass.is_open:
        return RecallState.TO_REVIEW
    if result.status is Status.FINISHED:
        return RecallState.FINISHED if result.is_complete else RecallState.PARTLY
    return RecallState.CANCELLED
