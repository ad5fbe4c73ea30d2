"""Which campaigns one could take for another."""

import random
import time

import pytest

from ledger.core.campaigns.look_alikes import Likeness, like_pairs, look_alikes


@pytest.mark.parametrize(
    ("meant", "other", "differs_in"),
    [
        ("spring-promo", "Spring-promo", Likeness.CASE),
        ("straße", "STRASSE", Likeness.CASE),
        ("spring-promo", "ｓｐｒｉｎｇ-promo", Likeness.WIDTH),
        ("spring-promo", "spring-рromo", Likeness.LETTERS),  # a Cyrillic letter
        ("spring-promo", "spring–promo", Likeness.LETTERS),  # another dash
        ("spring-promo", "spring-promo\u200b", Likeness.LETTERS),
        ("spring-promo", "spring-prom0", Likeness.LETTERS),
        ("spring-promo", "spring-prmo", Likeness.SPELLING),
        ("spring-promo", "spring-pormo", Likeness.SPELLING),
        ("spring-promo", "sprint-promos", Likeness.SPELLING),
        ("spring-promo", "spring-promo-2026", None),
        ("spring-promo", "autumn-promo", None),
        ("春季促销活动", "春季促消活动", Likeness.SPELLING),
        ("春季", "秋季", None),
        ("a", "b", None),
        ("abc", "abd", Likeness.SPELLING),
        ("abc", "add", None),
        ("spring", "spring", None),
    ],
)
def test_a_name_is_like_another_when_people_would_mistake_it(
    meant: str, other: str, differs_in: Likeness | None
) -> None:
    assert [one.differs_in for one in look_alikes(meant, [other])] == ([] if differs_in is None else [differs_in])


def test_the_nearest_come_first_and_only_a_few_of_many() -> None:
    others = [f"campaign-{number}" for number in range(100, 200)]
    found = look_alikes("campaign-150", [*others, "Campaign-150", "campaign-15O"], most=3)
    assert [(one.campaign, one.differs_in) for one in found[:2]] == [
        ("Campaign-150", Likeness.CASE),
        ("campaign-15O", Likeness.LETTERS),
    ]
    assert len(found) == 3


def test_the_distance_is_that_of_the_plain_definition() -> None:
    def plain(one: str, other: str) -> int:
        table = {(row, 0): row for row in range(len(one) + 1)} | {
            (0, column): column for column in range(len(other) + 1)
        }
        for row in range(1, len(one) + 1):
            for column in range(1, len(other) + 1):
                is_other = one[row - 1] != other[column - 1]
                costs = [table[row - 1, column] + 1, table[row, column - 1] + 1, table[row - 1, column - 1] + is_other]
                if row > 1 and column > 1 and one[row - 1] == other[column - 2] and one[row - 2] == other[column - 1]:
                    costs.append(table[row - 2, column - 2] + 1)
                table[row, column] = min(costs)
        return table[len(one), len(other)]

    chance = random.Random(7)  # noqa: S311
    for _ in range(2000):
        one, other = ("".join(chance.choices("abc", k=chance.randint(6, 8))) for _ in range(2))
        found = look_alikes(one, [other])
        assert bool(found) == (one != other and plain(one, other) <= 2), (one, other)


def test_ten_thousand_campaigns_are_looked_through_at_once() -> None:
    others = [f"campaign-{number:05}-of-the-year" for number in range(10_000)]
    started = time.perf_counter()
    assert len(look_alikes("campaign-05000-of-the-year", others)) == 5
    assert time.perf_counter() - started < 2


def test_of_what_is_meant_together_the_pairs_that_look_alike_are_told_but_no_series() -> None:
    series = ["spring-promo", "spring-promo-2", "spring-promo-3", "spring-a", "spring-b"]
    assert like_pairs(series) == ()
    (pair,) = like_pairs([*series, "spring-prom0"])[:1]
    assert (pair.campaigns, pair.differs_in) == (("spring-prom0", "spring-promo"), Likeness.LETTERS)
    assert [one.campaigns for one in like_pairs(["sale-today", "sale-toady"])] == [("sale-toady", "sale-today")]
    assert len(like_pairs(f"campaign-{letter}x{letter}" for letter in "abcdefghij")) == 5
