"""From what an answer says of a key to what becomes of its item."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.key_results import KeyReading
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.settle import (
    BACKOFF_LONGEST_SECONDS,
    FRESH_SECONDS,
    MAX_ASKS_OF_A_FAILING_KEY,
    AskedItem,
    backoff,
    settle,
    split,
)
from tests.core.values import HOUR, NOW, spans

ANSWERED = (Outcome.RECALLED, Outcome.REFUSED, Outcome.PARTIAL, Outcome.EXPIRED, Outcome.UNKNOWN)


def an_item(
    number: int = 1,
    key: str | None = None,
    *,
    sent_at: datetime = NOW - HOUR,
    attempts: int = 1,
    in_doubt: bool = False,
) -> AskedItem:
    """Return an item that was asked once, an hour after its send."""
    return AskedItem(
        item_id=number,
        process_query_key=key or f"key{number}",
        sent_at=sent_at,
        deadline=sent_at + 24 * HOUR,
        attempts=attempts,
        in_doubt=in_doubt,
    )


def message(outcome: Outcome, reason: str | None = "no", code: str | None = "failedResult") -> KeyReading:
    """Return what an answer says of one key."""
    return KeyReading(outcome=outcome, code=code, reason=reason)


items = st.builds(
    an_item,
    st.integers(1, 99),
    sent_at=spans(-25 * HOUR, HOUR).map(lambda span: NOW + span),
    attempts=st.integers(1, 9),
    in_doubt=st.booleans(),
)
readings = st.builds(
    message,
    st.sampled_from(ANSWERED),
    st.sampled_from([None, "no", "SYSTEM_ERROR", "system.error"]),
    st.sampled_from([None, "failedResult", "system.error"]),
)


@given(items, readings, st.floats(0, 1))
def test_an_item_is_recalled_only_when_the_answer_says_so(item: AskedItem, reading: KeyReading, jitter: float) -> None:
    settlement = settle(item, reading, now=NOW, jitter=jitter)
    assert settlement.item_id == item.item_id
    assert (settlement.outcome is Outcome.RECALLED) is (reading.outcome is Outcome.RECALLED)


@given(items, readings, st.floats(0, 1))
def test_an_item_either_ends_with_the_reason_or_is_asked_again_later(
    item: AskedItem, reading: KeyReading, jitter: float
) -> None:
    settlement = settle(item, reading, now=NOW, jitter=jitter)
    if settlement.outcome is None:
        assert settlement.not_before is not None
        assert settlement.not_before > NOW
    else:
        assert settlement.not_before is None
        assert (settlement.code, settlement.reason) == (reading.code, reading.reason)


@given(items, readings)
def test_a_no_to_a_key_in_doubt_is_never_refused_or_expired(item: AskedItem, reading: KeyReading) -> None:
    settlement = settle(replace(item, in_doubt=True), reading, now=NOW, jitter=0)
    assert settlement.outcome not in (Outcome.REFUSED, Outcome.EXPIRED)
    if reading.outcome in (Outcome.REFUSED, Outcome.EXPIRED) and settlement.outcome is not None:
        assert settlement.outcome is Outcome.UNKNOWN


@given(items, st.sampled_from(["no", "SYSTEM_ERROR"]))
def test_a_failing_key_is_asked_a_bounded_number_of_times(item: AskedItem, reason: str) -> None:
    asks = 1
    item = replace(item, attempts=asks)
    while settle(item, message(Outcome.REFUSED, reason), now=NOW, jitter=0.5).outcome is None:
        asks += 1
        item = replace(item, attempts=asks)
    assert asks <= MAX_ASKS_OF_A_FAILING_KEY


@pytest.mark.parametrize(
    ("item", "reading", "outcome"),
    [
        (an_item(), message(Outcome.REFUSED), Outcome.REFUSED),
        (an_item(), message(Outcome.REFUSED, "SYSTEM_ERROR"), None),
        (an_item(), message(Outcome.REFUSED, "unknown error", "system.error"), None),
        (an_item(attempts=4), message(Outcome.REFUSED, "SYSTEM_ERROR"), Outcome.REFUSED),
        (an_item(sent_at=NOW - timedelta(seconds=1)), message(Outcome.REFUSED), None),
        (an_item(sent_at=NOW - timedelta(seconds=1), attempts=4), message(Outcome.REFUSED), Outcome.REFUSED),
        (an_item(sent_at=NOW - timedelta(seconds=FRESH_SECONDS)), message(Outcome.REFUSED), Outcome.REFUSED),
        (an_item(in_doubt=True), message(Outcome.REFUSED), Outcome.UNKNOWN),
        (an_item(in_doubt=True), message(Outcome.EXPIRED), Outcome.UNKNOWN),
        (an_item(in_doubt=True), message(Outcome.RECALLED), Outcome.RECALLED),
        (an_item(in_doubt=True), message(Outcome.PARTIAL), Outcome.UNKNOWN),
        (an_item(), message(Outcome.EXPIRED), Outcome.EXPIRED),
        (an_item(), message(Outcome.UNKNOWN), Outcome.UNKNOWN),
    ],
)
def test_each_reading_settles_an_item(item: AskedItem, reading: KeyReading, outcome: Outcome | None) -> None:
    assert settle(item, reading, now=NOW, jitter=0).outcome is outcome


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_backoff_is_never_nothing_and_never_longer_than_its_cap(attempts: int, jitter: float) -> None:
    assert 0.5 <= backoff(attempts, jitter).total_seconds() <= BACKOFF_LONGEST_SECONDS


def test_a_backoff_doubles_up_to_its_cap() -> None:
    assert [backoff(n, 1).total_seconds() for n in (1, 2, 3, 6, 7, 8, 50)] == [1, 2, 4, 32, 60, 60, 60]
    assert backoff(3, 0).total_seconds() == 2


@given(st.integers(2, 20), st.data())
def test_a_split_makes_smaller_parts_that_add_up(count: int, data: st.DataObject) -> None:
    call = [an_item(number) for number in range(count)]
    suspects = data.draw(st.lists(st.sampled_from([item.process_query_key for item in call] + ["stranger"])))
    parts = split(call, suspects)
    assert all(0 < len(part) < count for part in parts)
    assert sorted(item.item_id for part in parts for item in part) == list(range(count))


@given(st.integers(2, 20), st.integers(0, 19))
def test_splitting_again_and_again_leaves_the_culprit_alone(count: int, place: int) -> None:
    call, asks = [an_item(number) for number in range(count)], 0
    culprit = call[place % count]
    while len(call) > 1:
        call = list(next(part for part in split(call, ()) if culprit in part))
        asks += 1
    assert call == [culprit]
    assert asks <= 5


def test_the_keys_that_the_error_names_are_parted_from_the_others() -> None:
    call = [an_item(number) for number in range(5)]
    named, others = split(call, ["key1", "key3"])
    assert [item.item_id for item in named] == [1, 3]
    assert [item.item_id for item in others] == [0, 2, 4]
