"""How much somebody has to say before a recall starts: nothing large by a yes from habit."""

from typing import Any

import pytest

from ledger.core.recalls.confirmation import Confirmation, confirmation_of

CAMPAIGN, PERSON, PEOPLE = {"campaign": "spring"}, {"users": ["zhang.san"]}, {"users": ["li.si", "zhang.san"]}


@pytest.mark.parametrize(
    ("eligible", "recipients", "quota_after", "selection", "typed", "is_covered"),
    [
        (1, 1, 4999, CAMPAIGN, (), True),
        (1, 400, 0, CAMPAIGN, (), True),
        (2, 2, 100, CAMPAIGN, ("spring", "2"), True),
        (1, 401, 100, CAMPAIGN, ("spring", "1"), True),
        (2, 2, 100, PERSON, ("zhang.san", "2"), True),
        (2, 2, 100, PEOPLE, ("2",), True),
        (2, 2, 100, CAMPAIGN | PERSON, ("spring", "2"), True),
        (2, 2, 100, {"campaigns": ["spring", "summer"]}, ("2",), True),
        (2, 2, 100, {"robot": "dingrobot1"}, ("2",), True),
        (2, 2, 100, {"campaign": " "}, ("2",), True),
        (1, 1, -1, CAMPAIGN, ("spring", "1"), False),
        (1, 1, -1, {"untagged": True}, ("1",), False),
    ],
)
def test_beyond_one_message_or_the_quota_a_name_or_the_number_has_to_be_typed(
    eligible: int,
    recipients: int,
    quota_after: int,
    selection: dict[str, Any],
    typed: tuple[str, ...],
    is_covered: bool,
) -> None:
    plan = {"eligible": eligible, "recipients": recipients, "quota": {"after": quota_after}}
    assert confirmation_of(plan, selection) == Confirmation(typed=typed, is_covered=is_covered)


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
    wanted = () if typed is None else (typed,)
    assert Confirmation(typed=wanted, is_covered=True).accepts(given) is accepted


def test_the_name_or_the_number_will_do() -> None:
    either = Confirmation(typed=("spring", "350"), is_covered=True)
    assert [either.accepts(given) for given in ("spring", "350", "spring 350", "35")] == [True, True, False, False]
