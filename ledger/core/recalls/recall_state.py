"""The state of a recall as people see it: more than its status, which says nothing of who has to do something."""

from datetime import datetime
from enum import StrEnum

from ledger.core.recalls.recall import Result, Status


class RecallState(StrEnum):
    """How a recall stands for those who look at a list of them."""

    TO_APPROVE = "to_approve"  # a plan that waits for a second person
    TO_REVIEW = "to_review"  # it ran without the second person that it needed
    SCHEDULED = "scheduled"  # a plan that waits for the moment that was set for it
    STALE = "stale"  # a plan that somebody wanted to run, and that cannot run any more: it has to be planned again
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    PARTLY = "partly"  # it has finished, and not all is recalled
    NOTHING = "nothing"  # it has finished, and none of it is recalled
    FINISHED = "finished"
    CANCELLED = "cancelled"


def state_of(result: Result, now: datetime) -> RecallState:
    """Return how a recall stands."""
    if result.status is Status.PLANNED:
        return _state_of_plan(result, now)
    is_over = result.status not in (Status.RUNNING, Status.PAUSED)
    if is_over and result.break_glass is not None and result.break_glass.is_open:
        return RecallState.TO_REVIEW
    return state_without_more(result)


def state_without_more(result: Result) -> RecallState:
    """Return how a recall stands by its status and what it has recalled alone, whoever it waits for."""
    if result.status is Status.FINISHED:
        return state_of_finished(is_whole=result.is_complete, has_recalled=result.recalled > 0)
    return RecallState(result.status)


def state_of_finished(*, is_whole: bool, has_recalled: bool) -> RecallState:
    """Return how a recall stands that has finished: by whether it has recalled all of it, or anything."""
    if is_whole:
        return RecallState.FINISHED
    return RecallState.PARTLY if has_recalled else RecallState.NOTHING


def _state_of_plan(result: Result, now: datetime) -> RecallState:
    is_asked = result.approval is not None and result.approval.is_waiting
    if result.is_scheduled:
        # What others take meanwhile is left out at its moment, which ends it when nobody has agreed.
        return RecallState.TO_APPROVE if is_asked else RecallState.SCHEDULED
    if not is_asked or result.approval is None:
        return RecallState.PLANNED
    is_live = result.approval.is_open(now) and result.overtaken_by is None
    return RecallState.TO_APPROVE if is_live else RecallState.STALE
