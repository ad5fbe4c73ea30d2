"""Campaigns as people type them: names, and beginnings with a star; a name that ends with a star stays reachable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.campaigns.campaign_patterns import literally, matches
from ledger.errors import InputError

KNOWN = ["spring-a", "spring-b", "spring-*", "spring\\*", "Spring-c", "summer"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("summer", ["summer"]),
        ("autumn", ["autumn"]),
        ("spring-*", ["spring-*", "spring-a", "spring-b"]),
        ("spring-\\*", ["spring-*"]),
        ("spring\\\\*", ["spring\\*"]),
        ("autumn-*", ["autumn-*"]),
    ],
)
def test_a_star_stands_for_all_that_begin_so_and_a_backslash_takes_it_as_it_is(typed: str, meant: list[str]) -> None:
    assert matches(typed, KNOWN) == meant


@given(st.text("ab*\\", min_size=1, max_size=6))
def test_every_name_can_be_typed(name: str) -> None:
    assert matches(literally(name), [name, f"{name}x", "a", "b*"]) == [name]


def test_a_star_alone_and_a_beginning_of_too_many_are_refused() -> None:
    with pytest.raises(InputError, match="every campaign"):
        matches("*", KNOWN)
    with pytest.raises(InputError, match="101 campaigns begin with c-"):
        matches("c-*", [f"c-{number}" for number in range(101)])
