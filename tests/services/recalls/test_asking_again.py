"""Asking again: what it costs, and which keys it leaves alone because no ask can change what became of them."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.asking_again import FINAL_CODES, WRONG_KEY, AskAgain
from ledger.errors import NothingEligibleError
from ledger.simulator import World
from tests.sending import send


def test_the_price_is_the_number_of_calls_that_asking_again_makes(book: Ledger, world: World) -> None:
    keys = send(book, world, 50)
    world.change(failed_reasons=dict.fromkeys(keys[:45], "busy"))
    before = book.run(book.plan(campaign="spring", reason="wrong link"))
    ask = book.parts.recall_reports.ask_again(before.recall_id)
    assert ask == AskAgain(messages=45, calls=3)
    world.change(failed_reasons={})
    assert book.retry(before.recall_id).calls - before.calls == ask.calls
    assert book.parts.recall_reports.ask_again(before.recall_id) == AskAgain()


def test_what_nobody_can_say_can_be_settled_at_a_call_each_or_asked_again(book: Ledger, world: World) -> None:
    keys = send(book, world, 4)
    send(book, world, 2, conversation="cid/+==")
    world.change(silent_keys=keys[:3])
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert result.unknown == 3
    ask = book.parts.recall_reports.ask_again(result.recall_id)
    assert ask == AskAgain(messages=3, calls=1, settle=3)
    assert book.parts.read_status.cost(result.recall_id) == ask.settle


def test_what_is_in_doubt_is_asked_beside_what_was_refused_at_the_price_of_one_call(book: Ledger, world: World) -> None:
    keys = send(book, world, 6)
    world.change(silent_keys=keys[:2], failed_reasons={keys[3]: "busy"})
    before = book.run(book.plan(campaign="spring", reason="wrong link"))
    ask = book.parts.recall_reports.ask_again(before.recall_id)
    assert (ask.messages, ask.calls) == (3, 1)
    world.change(failed_reasons={}, silent_keys=[])
    assert book.retry(before.recall_id).calls - before.calls == ask.calls


def test_what_comes_to_be_in_doubt_by_another_recall_is_priced_apart(book: Ledger, world: World) -> None:
    keys = send(book, world, 4)
    world.change(failed_reasons=dict.fromkeys(keys[:2], "busy"))
    before = book.run(book.plan(campaign="spring", reason="wrong link"))
    world.change(failed_reasons={}, silent_keys=keys[:1])
    assert book.run(book.plan(keys=keys[:1], reason="another")).unknown == 1
    ask = book.parts.recall_reports.ask_again(before.recall_id)
    assert (ask.messages, ask.calls) == (2, 2)
    world.change(silent_keys=[])
    assert book.retry(before.recall_id).calls - before.calls == ask.calls


@pytest.mark.parametrize("code", FINAL_CODES)
def test_what_was_refused_for_good_is_counted_apart_and_not_asked_again(book: Ledger, world: World, code: str) -> None:
    final, passing = send(book, world, 2)
    world.change(failed_reasons={final: code, passing: "SYSTEM_ERROR"})
    recall_id = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    assert book.parts.recall_reports.ask_again(recall_id) == AskAgain(messages=1, calls=1, final=1)
    world.change(failed_reasons={})
    result = book.retry(recall_id)
    assert (result.recalled, result.refused) == (1, 1)
    with pytest.raises(NothingEligibleError, match="refused for good"):
        book.retry(recall_id)


def test_a_key_is_wrong_for_good_only_some_minutes_after_it_was_sent(book: Ledger, world: World) -> None:
    old, new = send(book, world, 1)[0], send(book, world, 1, sent_ago=timedelta(minutes=1))[0]
    world.change(failed_reasons={old: WRONG_KEY, new: WRONG_KEY})
    recall_id = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    assert book.parts.recall_reports.ask_again(recall_id) == AskAgain(messages=1, calls=1, final=1)


def test_what_is_past_its_24_hours_is_late(book: Ledger, world: World, clock: FakeClock) -> None:
    late, soon = send(book, world, 1, sent_ago=timedelta(hours=23))[0], send(book, world, 1)[0]
    world.change(failed_reasons=dict.fromkeys((late, soon), "busy"))
    recall_id = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    clock.advance(timedelta(hours=2))
    assert book.parts.recall_reports.ask_again(recall_id) == AskAgain(messages=1, calls=1, late=1)


def test_what_another_recall_has_recalled_meanwhile_is_left_to_it(book: Ledger, world: World) -> None:
    keys = send(book, world, 2)
    world.change(failed_reasons={keys[0]: "busy"})
    first = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(failed_reasons={})
    assert book.run(book.plan(campaign="spring", reason="once more")).recalled == 1
    assert book.parts.recall_reports.ask_again(first) == AskAgain(elsewhere=1)
