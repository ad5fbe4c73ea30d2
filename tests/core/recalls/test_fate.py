"""Shared fates: when keys of one call speak for each other, and when each has to be asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.core.key_results import KeyReading
from ledger.core.recalls.fate import TIME_TO_ASK, NextAsk, held_until, is_shared, next_ask
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.reply import Reading, Verdict
from ledger.core.recalls.settle import AskedItem
from tests.core.values import NOW

REFUSAL = Reading(verdict=Verdict.SPLIT, code="invalid.processQueryKey", reason="no such key")


def asked(*calls: int | None, hours: float = 1) -> list[AskedItem]:
    """Return items that were asked in some calls without an answer."""
    return [
        AskedItem(
            item_id=number,
            process_query_key=f"k{number}",
            sent_at=NOW,
            deadline=NOW + timedelta(hours=hours + number),
            attempts=2,
            in_doubt=call is not None,
            asked_with=call,
        )
        for number, call in enumerate(calls)
    ]


@pytest.mark.parametrize(
    ("items", "shared"),
    [
        (asked(7, 7, 7), True),
        (asked(*[7] * 20), True),
        (asked(7, 7), False),
        (asked(7, 7, 8), False),
        (asked(7, 7, None), False),
        (asked(None, None, None), False),
    ],
)
def test_a_fate_is_shared_by_those_that_left_in_one_call(items: Sequence[AskedItem], shared: bool) -> None:
    assert is_shared(items, REFUSAL) is shared
    assert not is_shared(items, replace(REFUSAL, suspects=("k1",)))


def test_others_wait_only_while_there_is_time_to_ask_them_all() -> None:
    assert held_until(asked(7, 7, 7), NOW) == NOW + timedelta(hours=1) - TIME_TO_ASK
    assert held_until(asked(7, 7, 7, hours=0.2), NOW) is not None
    assert held_until(asked(7, 7, 7, hours=0.1), NOW) is None


def alone(outcome: Outcome, code: str | None = "invalid.processQueryKey") -> Reading:
    """Return the answer to a call of one key."""
    said = KeyReading(outcome=outcome, code=code or "failedResult")
    return Reading(verdict=Verdict.ANSWERED, keys={"k0": said}, code=code)


@pytest.mark.parametrize(
    ("reading", "refused_alone", "step"),
    [
        (alone(Outcome.REFUSED), 1, NextAsk.ONE),
        (alone(Outcome.REFUSED), 2, NextAsk.NONE),
        (alone(Outcome.REFUSED), 5, NextAsk.NONE),
        (alone(Outcome.RECALLED, None), 0, NextAsk.TOGETHER),
        (alone(Outcome.RECALLED, None), 1, NextAsk.TOGETHER),
        (alone(Outcome.REFUSED, None), 2, NextAsk.TOGETHER),
        (alone(Outcome.PARTIAL), 1, NextAsk.TOGETHER),
        (alone(Outcome.EXPIRED), 2, NextAsk.TOGETHER),
        (alone(Outcome.UNKNOWN, None), 2, NextAsk.TOGETHER),
    ],
)
def test_only_two_refusals_alike_speak_for_the_others(reading: Reading, refused_alone: int, step: NextAsk) -> None:
    assert next_ask(reading, refused_alone) is step
