"""Did you mean: what looks the same, what is a slip or two away, what begins so, in this order; nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.access.actors import likeness
from ledger.core.near_names import near
from ledger.core.slips import Slips

KNOWN = ["spring-promo", "spring-promo-2", "summer", "春季通知", "zhang.san", "ab"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("sprng-promo", ("spring-promo", "spring-promo-2")),
        ("spring-pormo", ("spring-promo", "spring-promo-2")),
        ("Spring-Promo", ("spring-promo", "spring-promo-2")),
        ("sprіng‐promo", ("spring-promo", "spring-promo-2")),
        ("spring", ("spring-promo", "spring-promo-2")),
        ("sumer", ("summer",)),
        ("春节通知", ("春季通知",)),
        ("zhangsan", ("zhang.san",)),
        ("ac", ("ab",)),
        ("xy", ()),
        ("winter-sale", ()),
        ("summer", ()),
    ],
)
def test_names_that_somebody_may_have_meant_come_the_nearest_first(asked: str, found: tuple[str, ...]) -> None:
    assert near(asked, KNOWN) == found


def test_of_names_that_look_alike_the_one_that_is_typed_so_comes_first() -> None:
    known = ["spring-prom0", "Spring-promo", "spring-promo"]
    assert near("sprng-promo", known) == ("spring-promo", "Spring-promo", "spring-prom0")


def test_at_most_three_are_offered_of_however_many() -> None:
    assert near("campaign-1", (f"campaign-{number}" for number in range(2000))) == (
        "campaign-0",
        "campaign-10",
        "campaign-11",
    )


def naive(one: str, other: str) -> int:
    """Count slips as the definition has it."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, start=1):
        rows.append([i])
        for j, opposite in enumerate(other, start=1):
            cost = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (letter != opposite))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == opposite:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            rows[i].append(cost)
    return rows[-1][-1]


@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(1, 3))
def test_slips_are_counted_as_the_definition_has_it_and_no_further_than_needed(one: str, other: str, most: int) -> None:
    assert min(Slips(one).to(other, most), most + 1) == min(naive(one, other), most + 1)


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=12))
def test_names_of_plain_letters_are_alike_as_all_others_are(name: str) -> None:
    assert likeness(name) == (likeness(f"{name}\u200b") if likeness(f"{name}\u200b") != f"{name}\u200b" else name)
