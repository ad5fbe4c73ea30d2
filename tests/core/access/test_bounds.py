"""Bounds: robots, and beginnings of campaigns; what is in them, and which selections stay in them."""

from typing import Any

import pytest

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.recording.message import RobotCode

OURS = Bounds(robots=frozenset({RobotCode("r1"), RobotCode("r2")}), campaigns=frozenset({"spring-*", "hello"}))
IN_BOTH = {"robot": "r1", "campaign": "hello"}


@pytest.mark.parametrize(
    ("campaign", "is_held"),
    [
        ("spring-1", True),
        ("spring-", True),
        ("hello", True),
        ("spring", False),
        ("Spring-1", False),
        ("hello-1", False),
        ("", False),
        (None, False),
    ],
)
def test_a_star_stands_for_any_end_and_what_has_no_campaign_is_in_none(campaign: str | None, is_held: bool) -> None:
    assert OURS.hold_campaign(campaign) is is_held
    assert OURS.hold("r1", campaign) is is_held
    assert not OURS.hold("r3", campaign)


def test_without_bounds_everything_is_within() -> None:
    assert not EVERYTHING
    assert EVERYTHING.hold(None, None)
    assert EVERYTHING.hold_all_of({})


@pytest.mark.parametrize(
    ("parts", "is_held"),
    [
        (IN_BOTH, True),
        ({"robot": "r1"}, False),
        ({"campaign": "hello"}, False),
        ({**IN_BOTH, "robot": "r3"}, False),
        ({**IN_BOTH, "campaign": "autumn"}, False),
        ({"within": ["r1", "r2"], "campaigns": ["spring-1", "spring-2"]}, True),
        ({"within": ["r1", "r3"], "campaigns": ["spring-1"]}, False),
        ({"within": ["r1"], "campaigns": ["spring-1", "autumn"]}, False),
        ({"within": ["r1"], "within_campaigns": ["spring-*", "hello"]}, True),
        ({"within": ["r1"], "within_campaigns": ["spring-1*"]}, True),
        ({"within": ["r1"], "within_campaigns": ["spr*"]}, False),
        ({"within": ["r1"], "within_campaigns": ["hello*"]}, False),
        ({"within": ["r1"], "within_campaigns": []}, False),
        # Made in our bounds, it holds nothing of what it names beyond them.
        ({"within": ["r1"], "campaign": "autumn", "within_campaigns": ["hello"]}, True),
        ({"within": ["r1"], "untagged": True}, False),
        ({}, False),
    ],
)
def test_a_selection_is_within_bounds_when_all_that_it_can_hold_is(parts: dict[str, Any], is_held: bool) -> None:
    assert OURS.hold_all_of(parts) is is_held
