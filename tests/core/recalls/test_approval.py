"""The second person: which plans need one, until when they wait, and for whom."""

from datetime import datetime, timedelta

import pytest

from ledger.core.recalls.approval import Approval, is_needed, valid_until
from tests.core.values import HOUR, NOW


@pytest.mark.parametrize(
    ("recipients", "messages", "most", "needed"),
    [
        (10**6, 10**6, None, False),
        (100, 1, 100, False),
        (101, 1, 100, True),
        # A message to a group names nobody, and reaches somebody.
        (0, 101, 100, True),
        (0, 100, 100, False),
        (1, 1, 0, True),
        (0, 0, 0, False),
    ],
)
def test_a_plan_needs_a_second_person_when_it_reaches_more_than_one_may_decide_on(
    recipients: int, messages: int, most: int | None, needed: bool
) -> None:
    assert is_needed(recipients=recipients, messages=messages, most=most) is needed


@pytest.mark.parametrize(
    ("first_deadline", "until"),
    [
        (None, NOW + HOUR),
        (NOW + timedelta(minutes=5), NOW + HOUR),
        (NOW + 3 * HOUR, NOW + 3 * HOUR),
    ],
)
def test_a_plan_waits_until_its_first_message_expires_and_at_least_as_long_as_any(
    first_deadline: datetime | None, until: datetime
) -> None:
    assert valid_until(NOW, HOUR, first_deadline) == until


@pytest.mark.parametrize(
    ("approval", "waiting"),
    [
        (Approval(), False),
        (Approval(requested_by="ann"), True),
        (Approval(requested_by="ann", approved_by="bob"), False),
        (Approval(requested_by="ann", refused_by="bob"), False),
    ],
)
def test_only_what_was_asked_for_and_not_answered_waits(approval: Approval, waiting: bool) -> None:
    assert approval.is_waiting is waiting
