"""Which messages somebody means: nothing set never means everything."""

import json
from typing import Any

import pytest

from ledger.core.access.bounds import Bounds
from ledger.core.recalls.selection import Selection, robots_of, select
from ledger.core.recording.message import Campaign, MessageKey, RobotCode, UserId
from ledger.errors import InputError
from tests.core.values import HOUR, NOW


def test_nothing_set_is_empty() -> None:
    assert Selection().is_empty
    assert Selection().to_json() == {}


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ({"campaigns": frozenset({Campaign("spring")})}, {"campaign": "spring"}),
        ({"campaigns": frozenset({Campaign("b"), Campaign("a")})}, {"campaigns": ["a", "b"]}),
        ({"untagged": True}, {"untagged": True}),
        ({"source": "hr"}, {"source": "hr"}),
        ({"users": frozenset({UserId("u2"), UserId("u1")})}, {"users": ["u1", "u2"]}),
        ({"keys": frozenset({MessageKey("k+/=")})}, {"keys": ["k+/="]}),
        ({"robot": RobotCode("dingbot")}, {"robot": "dingbot"}),
        ({"since": NOW}, {"since": "2026-03-04T02:00:00Z"}),
        ({"until": NOW}, {"until": "2026-03-04T02:00:00Z"}),
    ],
)
def test_any_one_part_is_a_selection_and_is_shown(part: dict[str, Any], shown: dict[str, Any]) -> None:
    selection = Selection(**part)
    assert not selection.is_empty
    assert json.loads(json.dumps(selection.to_json())) == shown


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(campaigns=frozenset({Campaign("spring")}), robot=RobotCode("dingbot")),
        Selection(users=frozenset({UserId("u1")}), keys=frozenset({MessageKey("k+/="), MessageKey("K")})),
        Selection(since=NOW - HOUR, until=NOW),
        Selection(campaigns=frozenset({Campaign("spring"), Campaign("summer")})),
        Selection(untagged=True, source="hr", within=frozenset({RobotCode("dingbot"), RobotCode("dingother")})),
        Selection(untagged=True, within_campaigns=frozenset({"spring-*"})),
    ],
)
def test_a_selection_that_is_written_down_means_the_same_when_read_again(selection: Selection) -> None:
    assert Selection.from_json(json.loads(json.dumps(selection.to_json()))) == selection


@pytest.mark.parametrize("part", [{"campaigns": frozenset()}, {"users": frozenset()}, {"robot": RobotCode("")}])
def test_an_empty_part_does_not_make_a_selection(part: dict[str, Any]) -> None:
    assert Selection(**part).is_empty


def test_the_robots_that_somebody_may_touch_narrow_a_selection_and_are_none_by_themselves() -> None:
    within = frozenset({RobotCode("b"), RobotCode("a")})
    assert Selection(within=within).is_empty
    assert Selection(within=within, untagged=True).to_json() == {"untagged": True, "within": ["a", "b"]}


@pytest.mark.parametrize(
    ("parts", "robots"),
    [
        ({}, set()),
        ({"robot": "a"}, {"a"}),
        ({"within": ["a", "b"]}, {"a", "b"}),
        ({"robot": "a", "within": "bc"}, {"a"}),
    ],
)
def test_the_robots_of_a_selection_are_the_one_that_it_names_or_those_within_reach(
    parts: dict[str, Any], robots: set[str]
) -> None:
    assert robots_of(parts) == robots


@pytest.mark.parametrize(
    ("campaigns", "campaign"), [(set(), None), ({"spring"}, "spring"), ({"spring", "summer"}, None)]
)
def test_a_selection_has_a_campaign_when_it_is_one(campaigns: set[str], campaign: str | None) -> None:
    assert Selection(campaigns=frozenset(map(Campaign, campaigns))).campaign == campaign


def test_every_part_that_somebody_names_is_part_of_the_selection() -> None:
    parts: dict[str, Any] = {
        "source": "hr",
        "users": ["u1", "u1"],
        "keys": ["k" * 1024],
        "robot": "dingbot",
        "since": NOW - HOUR,
        "until": NOW,
        "within": Bounds(robots=frozenset({RobotCode("dingbot")}), campaigns=frozenset({"s*"})),
    }
    narrowed = Selection(
        campaigns=frozenset({Campaign("spring"), Campaign("summer")}),
        source="hr",
        users=frozenset({UserId("u1")}),
        keys=frozenset({MessageKey("k" * 1024)}),
        robot=RobotCode("dingbot"),
        since=NOW - HOUR,
        until=NOW,
        within=frozenset({RobotCode("dingbot")}),
        within_campaigns=frozenset({"s*"}),
    )
    assert select(campaign=["spring", "summer"], **parts) == narrowed
    assert select(campaign="spring") == Selection(campaigns=frozenset({Campaign("spring")}))
    assert select(untagged=True) == Selection(untagged=True)
    assert select() == Selection()


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ({"campaign": ""}, "campaign is empty"),
        ({"campaign": ["spring", ""]}, "campaign is empty"),
        ({"campaign": []}, "campaign is empty"),
        ({"source": ""}, "source is empty"),
        ({"robot": ""}, "robot is empty"),
        ({"users": []}, "users is empty"),
        ({"keys": ["k", ""]}, "keys is empty"),
        ({"users": "u1"}, r"users is one text: give a list, as in \['u1'\]"),
        ({"keys": "k1"}, "keys is one text"),
        ({"untagged": True, "campaign": "spring"}, "exclude each other"),
        ({"since": NOW.replace(tzinfo=None)}, "zone"),
        ({"until": NOW.replace(tzinfo=None)}, "zone"),
        ({"campaign": ["c", "c" * 257]}, "campaign has 257"),
    ],
)
def test_a_part_that_would_widen_the_selection_without_a_word_is_refused(parts: dict[str, Any], detail: str) -> None:
    with pytest.raises(InputError, match=detail):
        select(**parts)
