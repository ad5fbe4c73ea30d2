"""The range of a share of which only some messages were asked: exact where all were, never too narrow by clusters."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from random import Random

import pytest

from ledger.core.readers.read_share import AskedMessage, share_of


def test_once_all_are_asked_the_share_is_exact() -> None:
    asked = [AskedMessage(20, 5), AskedMessage(10, 10)]
    assert share_of(asked, messages=2, people=30) == (0.5, 0.5)


def test_what_gave_no_answer_is_read_by_nobody_below_and_by_everybody_above() -> None:
    asked = [AskedMessage(20, 5), AskedMessage(10, None)]
    assert share_of(asked, messages=2, people=30) == (5 / 30, 15 / 30)


def test_without_any_answer_nothing_is_known() -> None:
    assert share_of([], messages=3, people=9) is None
    assert share_of([AskedMessage(3, None)], messages=3, people=9) is None
    assert share_of([AskedMessage(0, 0)], messages=1, people=0) is None


@pytest.mark.parametrize(
    ("read", "low", "high"),
    # Clopper and Pearson as tables have it, of 50 that are next to nothing of all.
    [(0, 0.0, 0.0711), (1, 0.0005, 0.1065), (25, 0.3553, 0.6447), (50, 0.9289, 1.0)],
)
def test_messages_to_one_person_each_have_the_range_of_the_tables(read: int, low: float, high: float) -> None:
    asked = [AskedMessage(1, int(number < read)) for number in range(50)]
    found = share_of(asked, messages=10**9, people=10**9)
    assert found is not None
    # Student's quantile makes it a little wider where the spread is estimated.
    assert found[0] == pytest.approx(low, abs=0.01)
    assert found[1] == pytest.approx(high, abs=0.01)
    assert found[0] <= low + 1e-4
    assert found[1] >= high - 1e-4


def test_people_who_read_alike_count_as_one() -> None:
    alike = [AskedMessage(20, 20 * (number % 2)) for number in range(60)]
    apart = [AskedMessage(20, 10 + number % 3 - 1) for number in range(60)]
    wide, narrow = (share_of(one, messages=10_000, people=200_000) for one in (alike, apart))
    assert wide is not None
    assert narrow is not None
    assert wide[1] - wide[0] > 0.24
    assert narrow[1] - narrow[0] < 0.12


def test_a_range_never_leaves_what_is_certain_and_narrows_until_it_is_exact() -> None:
    population = [AskedMessage(1 + number % 20, number % (2 + number % 20)) for number in range(40)]
    population = [AskedMessage(one.people, min(one.read or 0, one.people)) for one in population]
    people = sum(one.people for one in population)
    share = sum(one.read or 0 for one in population) / people
    Random(1).shuffle(population)  # noqa: S311
    ranges = [share_of(population[:drawn], messages=40, people=people) for drawn in range(1, 41)]
    widths = [found[1] - found[0] for found in ranges if found is not None]
    assert all(0 <= found[0] <= share <= found[1] <= 1 for found in ranges if found is not None)
    assert widths[-1] == pytest.approx(0)
    assert all(after < before + 0.15 for before, after in pairwise(widths))


SCENES: Mapping[str, tuple[int, Callable[[Random], int], float, float]] = {
    "one person a message, half of them": (400, lambda _: 1, 0.5, 0.0),
    "twenty people who read apart": (2000, lambda _: 20, 0.3, 0.0),
    "twenty people who read alike": (2000, lambda _: 20, 0.4, 0.9),
    "hardly anybody": (300, lambda _: 10, 0.02, 0.5),
    "nearly everybody, of all sizes": (300, lambda random: random.randint(1, 20), 0.96, 0.5),
    "a few large ones": (500, lambda random: 20 if random.random() < 0.1 else 1, 0.35, 0.7),
    "a good part of few": (90, lambda _: 5, 0.1, 0.6),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_truth_is_in_the_range_at_least_as_often_as_it_says(scene: str) -> None:
    # Of 400 lots: below 93 % is more than chance would do to 95 % (1.1 % each way).
    messages, size_of, share, alike = SCENES[scene]
    random = Random(scene)  # noqa: S311
    sizes = [size_of(random) for _ in range(messages)]
    population = []
    for size in sizes:
        mood = share if random.random() >= alike else float(random.random() < share)
        population.append(AskedMessage(size, sum(random.random() < mood for _ in range(size))))
    people = sum(sizes)
    truth = sum(one.read or 0 for one in population) / people
    hits = 0
    for _ in range(400):
        found = share_of(random.sample(population, 60), messages=messages, people=people)
        assert found is not None
        hits += found[0] <= truth <= found[1]
    assert hits / 400 >= 0.93, hits / 400
