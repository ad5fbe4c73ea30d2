"""The chain of digests: any change of any entry changes every digest after it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.audit.chain import GENESIS, digest
from tests.core.values import NOW

ENTRY: dict[str, Any] = {"at": NOW, "event": "planned", "actor": "ann", "recall_id": 7, "detail": {"eligible": 3}}
details = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def test_the_digest_of_an_entry_stays_what_it_was_when_old_entries_were_written() -> None:
    assert digest(GENESIS, **ENTRY) == "ba775cb956e7b5dd20f18aea9a84240c081ad3e7421b19e9aec94efbb2238916"


@pytest.mark.parametrize(
    "change",
    [
        {"at": NOW + timedelta(microseconds=1)},
        {"event": "started"},
        {"actor": "bob"},
        {"recall_id": 8},
        {"recall_id": None},
        {"detail": {"eligible": 4}},
        {"detail": {}},
    ],
)
def test_every_part_of_an_entry_counts(change: dict[str, Any]) -> None:
    assert digest(GENESIS, **{**ENTRY, **change}) != digest(GENESIS, **ENTRY)


def test_half_a_surrogate_pair_can_be_chained_too() -> None:
    assert digest(GENESIS, **{**ENTRY, "actor": "\ud800"}) != digest(GENESIS, **{**ENTRY, "actor": "\ud801"})


def test_the_digest_before_counts() -> None:
    assert digest("1" + GENESIS[1:], **ENTRY) != digest(GENESIS, **ENTRY)


def test_the_zone_in_which_a_time_is_written_does_not_count() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))
    assert digest(GENESIS, **{**ENTRY, "at": there}) == digest(GENESIS, **ENTRY)
    assert datetime(2026, 3, 4, 2, tzinfo=UTC) == NOW


@given(st.dictionaries(st.text(max_size=8), details, max_size=5))
def test_a_trip_through_a_database_changes_nothing(detail: dict[str, Any]) -> None:
    there_and_back = dict(reversed(list(json.loads(json.dumps(detail)).items())))
    entry = {**ENTRY, "detail": detail}
    assert digest(GENESIS, **{**entry, "detail": there_and_back}) == digest(GENESIS, **entry)


@given(st.lists(st.integers(), min_size=1, max_size=8), st.data())
def test_a_rewritten_entry_changes_every_digest_after_it(numbers: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(numbers) - 1))
    rewritten = [number + (index == place) for index, number in enumerate(numbers)]
    before, after = _chained(numbers), _chained(rewritten)
    assert before[:place] == after[:place]
    assert all(one != other for one, other in zip(before[place:], after[place:], strict=True))


def _chained(numbers: list[int]) -> list[str]:
    digests, previous = [], GENESIS
    for number in numbers:
        previous = digest(previous, **{**ENTRY, "detail": {"number": number}})
        digests.append(previous)
    return digests
