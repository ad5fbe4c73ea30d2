"""How much somebody has to say before a recall starts: nothing large by a yes from habit."""

import pytest

from ledger.core.confirmation import Confirmation, confirmation_of


@pytest.mark.parametrize(
    ("eligible", "recipients", "quota_after", "campaign", "typed", "is_covered"),
    [
        (1, 1, 4999, "spring", None, True),
        (20, 400, 0, "spring", None, True),
        (21, 21, 100, "spring", "spring", True),
        (20, 401, 100, "spring", "spring", True),
        (21, 21, 100, None, "21", True),
        (1, 1, -1, "spring", "spring", False),
        (1, 1, -1, None, "1", False),
        (21, 21, 100, "", "", True),
    ],
)
def test_beyond_a_few_people_or_the_quota_its_name_or_number_has_to_be_typed(
    eligible: int, recipients: int, quota_after: int, campaign: str | None, typed: str | None, is_covered: bool
) -> None:
    found = confirmation_of(eligible=eligible, recipients=recipients, quota_after=quota_after, campaign=campaign)
    assert found == Confirmation(typed=typed, is_covered=is_covered)


@pytest.mark.parametrize(
    ("typed", "given", "accepted"),
    [
        (None, "", True),
        (None, "whatever", True),
        ("spring", "spring", True),
        ("spring", " spring \n", True),
        (" spring", "spring", True),
        ("spring", "Spring", False),
        ("spring", "", False),
        ("spring", "y", False),
        ("1234", "1234", True),
        ("1234", "1,234", True),
        ("1234", "1235", False),
        ("1234", "1.234", False),
        # Only in numbers do commas mean nothing: two campaigns may differ by one.
        ("a,b", "a,b", True),
        ("ab", "a,b", False),
    ],
)
def test_only_what_has_to_be_typed_starts_a_large_recall(typed: str | None, given: str, accepted: bool) -> None:
    assert Confirmation(typed=typed, is_covered=True).accepts(given) is accepted
