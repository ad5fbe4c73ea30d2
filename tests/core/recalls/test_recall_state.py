"""The states that people see: partly done is not finished, and a plan that waits for somebody is not just planned."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.core.recalls.approval import Approval, BreakGlass
from ledger.core.recalls.recall import Result, Status
from ledger.core.recalls.recall_state import RecallState, state_of
from tests.core.values import NOW

RESULT = Result(
    recall_id=1, status=Status.FINISHED, eligible=3, recalled=3, refused=0, partial=0, expired=0, unknown=0,
    cancelled=0, pending=0, calls=1, elapsed_seconds=1.0, reason="typo", actor="wang", error=None,
)  # fmt: skip
ASKED = Approval(requested_by="wang", requested_at=NOW, valid_until=NOW + timedelta(minutes=5))
OPEN = BreakGlass(broken_by="wang", broken_at=NOW, reason="nobody answers")


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (RESULT, RecallState.FINISHED),
        (replace(RESULT, recalled=2, refused=1), RecallState.PARTLY),
        (replace(RESULT, recalled=0, expired=3), RecallState.NOTHING),
        (replace(RESULT, status=Status.PLANNED, recalled=0, pending=3), RecallState.PLANNED),
        (replace(RESULT, status=Status.PLANNED, approval=Approval()), RecallState.PLANNED),
        (replace(RESULT, status=Status.PLANNED, approval=ASKED), RecallState.TO_APPROVE),
        (replace(RESULT, status=Status.PLANNED, scheduled_at=NOW), RecallState.SCHEDULED),
        (replace(RESULT, status=Status.PLANNED, scheduled_at=NOW, approval=ASKED), RecallState.TO_APPROVE),
        (replace(RESULT, scheduled_at=NOW), RecallState.FINISHED),
        (
            replace(RESULT, status=Status.PLANNED, approval=replace(ASKED, valid_until=NOW)),
            RecallState.STALE,
        ),
        (replace(RESULT, status=Status.PLANNED, approval=ASKED, overtaken_by=2), RecallState.STALE),
        (
            replace(RESULT, status=Status.PLANNED, approval=ASKED, scheduled_at=NOW, overtaken_by=2),
            RecallState.TO_APPROVE,
        ),
        (replace(RESULT, status=Status.RUNNING, break_glass=OPEN), RecallState.RUNNING),
        (replace(RESULT, status=Status.PAUSED), RecallState.PAUSED),
        (replace(RESULT, break_glass=OPEN), RecallState.TO_REVIEW),
        (replace(RESULT, break_glass=replace(OPEN, reviewed_by="li")), RecallState.FINISHED),
        (replace(RESULT, status=Status.CANCELLED, recalled=1, cancelled=2), RecallState.CANCELLED),
    ],
)
def test_a_recall_has_the_state_that_says_whether_somebody_has_to_do_something(
    result: Result, state: RecallState
) -> None:
    assert state_of(result, NOW) is state
