"""Keys whose call nobody answered, asked again where DingTalk knows a recalled key no more: few calls, no claims."""

from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome, Result
from ledger.services.recalls.running.splitter import NOT_ASKED_AGAIN
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.simulator.behaviour import SecondRecall
from tests.conftest import MakeLedger
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
GROUP = "/v1.0/robot/groupMessages/recall"


@pytest.fixture(autouse=True)
def _forgetful(world: World) -> None:
    world.change(second_recall=SecondRecall.INVALID_KEY_400)


def run(book: Ledger, world: World, *gone: int) -> Result:
    """Recall all, after another program has recalled those at some places of the queue."""
    plan = book.plan(campaign="spring", reason="wrong link")
    queue = [item.process_query_key for item in book.show(plan.recall_id).items]
    for place in gone:
        world._service.messages.recall(queue[place], book.parts.clock.now())
    return book.run(plan)


def still_there(book: Ledger, world: World, recall_id: int) -> set[str]:
    keys = [item.process_query_key for item in book.show(recall_id).items]
    return {key for key in keys if (message := world.message(key)) is not None and message.recalled_at is None}


@pytest.mark.parametrize("conversation", [None, "cid-1"])
def test_two_refusals_speak_for_the_other_eighteen(book: Ledger, world: World, conversation: str | None) -> None:
    send(book, world, 20, conversation=conversation)
    path, meter = GROUP if conversation else ONE_ON_ONE, book.parts.figures
    world.script(ScriptedAnswer(path=path, cut=Cut.AFTER_WORK))
    result = run(book, world)
    assert (result.unknown, result.calls) == (20, 4)
    assert still_there(book, world, result.recall_id) == set()
    reasons = [item.reason or "" for item in book.show(result.recall_id).items]
    assert len([reason for reason in reasons if reason.startswith(NOT_ASKED_AGAIN)]) == 18
    assert meter.read().outcomes[Outcome.UNKNOWN] == 20
    assert book.verify().ok


def test_a_call_that_never_arrived_is_asked_again_as_one(book: Ledger, world: World) -> None:
    send(book, world, 20)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    result = run(book, world)
    assert (result.recalled, result.calls) == (20, 2)


def test_calls_that_were_lost_together_are_not_mixed(book: Ledger, world: World) -> None:
    send(book, world, 60)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.AFTER_WORK))
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    result = run(book, world)
    assert (result.recalled, result.unknown) == (40, 20)
    # Three to begin with, the one that never arrived once more, and three for the one that did.
    assert result.calls == 7


@pytest.mark.parametrize("bad", [0, 1, 10, 18, 19])
def test_where_the_fate_was_not_shared_every_key_that_can_be_recalled_is(book: Ledger, world: World, bad: int) -> None:
    send(book, world, 20)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    result = run(book, world, bad)
    assert (result.recalled, result.unknown) == (19, 1)
    assert still_there(book, world, result.recall_id) == set()
    assert result.calls <= 20


def test_both_ends_gone_by_chance_leave_the_rest_unknown_and_a_retry_or_the_read_status_tells(
    book: Ledger, world: World
) -> None:
    send(book, world, 20)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    result = run(book, world, 0, -1)
    # Nobody claims that they are gone, and nobody claims that they are not.
    assert (result.recalled, result.unknown, result.refused) == (0, 20, 0)
    settled = book.parts.read_status.run(result.recall_id, actor="li")
    assert (settled.recalled, settled.refused) == (2, 18)
    assert book.retry(result.recall_id).recalled == 20
    assert book.verify().ok


def test_near_the_deadline_nobody_waits_for_one_that_is_asked_by_itself(book: Ledger, world: World) -> None:
    send(book, world, 20, sent_ago=timedelta(hours=23, minutes=55))
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.BEFORE_WORK))
    result = run(book, world, 0, -1)
    assert (result.recalled, result.unknown) == (18, 2)


def test_what_is_held_back_ends_with_a_cancelled_recall(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    # Slow enough for a look at the progress between two calls.
    book = make_ledger(calls_per_second=4)
    send(book, world, 20)
    world.script(ScriptedAnswer(path=ONE_ON_ONE, cut=Cut.AFTER_WORK))
    plan = book.plan(campaign="spring", reason="wrong link")

    class EnoughError(Exception):
        pass

    def stop(_result: Result) -> None:
        if len(world.calls(ONE_ON_ONE)) >= 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        book.run(plan, on_progress=stop)
    clock.advance(timedelta(seconds=1))
    result = book.cancel(plan.recall_id)
    assert (result.pending, result.unknown) == (0, 20)
    assert book.verify().ok
