"""When a lease has ended."""

from datetime import timedelta

import pytest

from ledger.core.recalls.lease import LONGEST_LEASE, is_over
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("left", "over"),
    [
        (timedelta(seconds=-1), True),
        (timedelta(0), True),
        (timedelta(seconds=1), False),
        (LONGEST_LEASE, False),
        (LONGEST_LEASE + timedelta(seconds=1), True),
    ],
)
def test_a_lease_is_over_at_its_end_and_when_no_process_of_this_clock_can_have_written_it(
    left: timedelta, over: bool
) -> None:
    assert is_over(NOON + left, NOON) is over
