"""Faults that random days found, one by one, on both databases."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Result
from ledger.errors import PlanChangedError
from ledger.simulator import ScriptedAnswer, World
from ledger.testing import InlineExecutor
from tests.conftest import MakeLedger
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
GROUP = "/v1.0/robot/groupMessages/recall"
LEASE = timedelta(seconds=31)


class Killed(BaseException):
    """The process is gone."""


class Grave(Executor):
    """Whoever hands a call over to it is killed before the call leaves."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ARG002
        raise Killed


def die_in_flight(book: Ledger, recall_id: int) -> None:
    """Run a recall in a process that is killed with its first call open."""
    book.parts.executor = Grave()
    with pytest.raises(Killed):
        book.run(recall_id)


def test_a_lost_call_of_a_cancelled_recall_ends_although_another_recall_is_cancelled_before_anybody_looks(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    dying, book = make_ledger(), make_ledger()
    send(book, world, 3)
    lost = book.plan(campaign="spring", reason="wrong link")
    die_in_flight(dying, lost.recall_id)
    assert book.cancel(lost.recall_id).pending == 3
    clock.advance(LEASE)

    send(book, world, 1, campaign="summer")
    book.cancel(book.plan(campaign="summer", reason="a mistake").recall_id)
    book.run(book.plan(campaign="summer", reason="again"))

    ended = book.show(lost.recall_id).result
    assert (ended.pending, ended.unknown) == (0, 3)


def test_a_plan_is_refused_when_its_messages_were_taken_after_it_although_the_clock_says_before(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 3)
    first = book.plan(campaign="spring", reason="wrong link")
    second = book.plan(campaign="spring", reason="me too")
    clock.advance(timedelta(minutes=-5))
    world.change(permission_missing=True)
    book.run(first)
    with pytest.raises(PlanChangedError, match="3 messages"):
        book.run(second)


def test_a_process_that_saw_only_one_kind_of_chat_left_retries_the_other_too(
    make_ledger: MakeLedger, world: World
) -> None:
    first, second = make_ledger(), make_ledger()
    (refused,) = send(first, world, 1)
    send(first, world, 1, conversation="cid-1")
    world.change(failed_reasons={refused: "not allowed"})
    world.script(ScriptedAnswer.error("Forbidden.AccessDenied.AccessTokenPermissionDenied", path=GROUP))
    plan = first.plan(campaign="spring", reason="wrong link")
    assert first.run(plan).pending == 1
    assert second.resume(plan.recall_id).refused == 1

    world.change(failed_reasons={})
    assert second.retry(plan.recall_id, on_progress=not_for_ever()).recalled == 2


def test_a_status_that_was_read_before_a_retry_says_nothing_of_what_the_retry_did(
    make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    book, other = make_ledger(), make_ledger()
    send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link")
    world.change(silent_next=1)
    assert book.run(plan).unknown == 1

    def retry_meanwhile() -> None:
        clock.advance(timedelta(seconds=1))
        world.change(silent_next=1, silent_keys_are_recalled=True)
        assert other.retry(plan.recall_id).unknown == 1

    asking = make_ledger()
    asking.parts.executor = Afterwards(retry_meanwhile)
    result = asking.parts.read_status.run(plan.recall_id, actor="tester")
    assert (result.unknown, result.refused) == (1, 0)


class Afterwards(InlineExecutor):
    """Lets something happen between an answer and its being written down."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self._action()
        return future


def not_for_ever() -> Callable[[Result], None]:
    """Return a watcher that has enough after a hundred looks."""
    looks = iter(range(100))

    def watch(_result: Result) -> None:
        assert next(looks, None) is not None, "it goes on and on"

    return watch
