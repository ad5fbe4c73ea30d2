"""Which messages somebody means: nothing set never means everything."""

import json
from typing import Any

import pytest

from ledger.core.message import Campaign, MessageKey, RobotCode, UserId
from ledger.core.selection import Selection

from .values import HOUR, NOW


def test_nothing_set_is_empty() -> None:
    assert Selection().is_empty
    assert Selection().to_json() == {}


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        ({"campaigns": frozenset({Campaign("spring")})}, {"campaign": "spring"}),
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
    ],
)
def test_a_selection_that_is_written_down_means_the_same_when_read_again(selection: Selection) -> None:
    assert Selection.from_json(json.loads(json.dumps(selection.to_json()))) == selection


@pytest.mark.parametrize("part", [{"campaigns": frozenset()}, {"users": frozenset()}, {"robot": RobotCode("")}])
def test_an_empty_part_does_not_make_a_selection(part: dict[str, Any]) -> None:
    assert Selection(**part).is_empty
