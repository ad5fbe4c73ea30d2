"""Whose turn it is: the nearest deadline, and nothing small is stuck behind something huge."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.fair_turn import FAIR_TURN, choose
from tests.core.values import after

waiting = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 99).map(after), min_size=1)


def test_nobody_waits_and_nobody_is_chosen() -> None:
    assert choose({}, {}) is None
    assert choose({}, {"a": FAIR_TURN - 1}) is None


def test_the_nearest_deadline_goes_first_and_among_equals_the_first() -> None:
    assert choose({"a": after(9), "b": after(1), "c": after(1)}, {}) == "b"
    assert choose({"a": after(9), "b": after(1)}, {"b": FAIR_TURN}) == "b"


def test_one_turn_in_four_goes_to_whoever_has_been_served_least() -> None:
    small_and_huge, served, turns = {"small": after(9), "huge": after(1)}, Counter[str](), []
    for _ in range(8):
        turns.append(choose(small_and_huge, served) or "")
        served[turns[-1]] += 1
    assert turns == ["huge", "huge", "huge", "small"] * 2


def test_of_those_that_were_served_as_little_the_nearest_deadline_has_the_fair_turn() -> None:
    deadlines = {"a": after(1), "b": after(9), "c": after(5)}
    assert choose(deadlines, {"a": 3}) == "c"
    assert choose(deadlines, {"a": 1, "b": 1, "c": 1}) == "a"


@given(waiting)
def test_whoever_waits_has_a_turn_before_long(deadlines: dict[str, object]) -> None:
    served = Counter[str]()
    for _ in range(FAIR_TURN * len(deadlines)):
        served[choose(deadlines, served) or ""] += 1  # type: ignore[arg-type]
    assert set(served) == set(deadlines)
