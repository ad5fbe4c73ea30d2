"""A plan that waits while others recall some of its messages: everybody who looks at it knows that."""

from datetime import timedelta
from unittest.mock import Mock

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.roles import Identity, Role
from ledger.core.recalls.recall_state import RecallState, state_of
from ledger.errors import ApprovalNeededError, PlanChangedError
from ledger.simulator import FailedReason, World
from ledger.store.recalls import candidates
from tests.conftest import MakeLedger
from tests.sending import send

WANG, LI = Identity(name="wang", role=Role.OPERATOR), Identity(name="li", role=Role.OPERATOR)


@pytest.fixture
def careful(make_ledger: MakeLedger) -> Ledger:
    """A ledger in which more than three people, or messages, are too many for one person."""
    return make_ledger(approval_recipients=3)


def asked_for(book: Ledger) -> int:
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    with pytest.raises(ApprovalNeededError):
        book.run(plan, actor="wang")
    return plan.recall_id


def recall_some(book: Ledger, keys: list[str]) -> int:
    return book.run(book.plan(keys=keys, reason="these at once", actor="zhao")).recall_id


def requests(book: Ledger) -> tuple[list[int], list[int]]:
    found = book.parts.pages.requests(limit=20, who=LI)
    return [one.recall_id for one in found.waiting], [one.recall_id for one in found.stale]


@pytest.mark.parametrize("probes", [10_000, 1])
def test_a_request_of_which_another_recall_took_a_message_waits_for_nobody_any_more(
    careful: Ledger, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, probes: int
) -> None:
    monkeypatch.setattr(candidates, "_MOST_PROBES", probes)
    keys = send(careful, world, 5)
    number = asked_for(careful)
    assert requests(careful) == ([number], [])
    assert careful.result(number).overtaken_by is None
    other = recall_some(careful, keys[:1])
    assert requests(careful) == ([], [number])
    result = careful.result(number)
    assert (result.overtaken_by, state_of(result, clock.now())) == (other, RecallState.STALE)
    with pytest.raises(PlanChangedError):
        careful.parts.lifecycle.approve(number, actor="li")


def test_what_another_recall_is_at_and_has_not_copied_yet_is_taken_too(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 5)
    number = asked_for(careful)
    other = careful.plan(keys=keys[:2], reason="these at once", actor="zhao").recall_id
    careful.parts.lifecycle.start(other, actor="zhao")
    assert careful.result(number).overtaken_by == other


def test_what_others_recalled_of_other_messages_or_could_not_recall_leaves_a_request_as_it_is(
    careful: Ledger, world: World
) -> None:
    keys = send(careful, world, 5)
    others = send(careful, world, 2, campaign="summer")
    number = asked_for(careful)
    recall_some(careful, others)
    world.change(failed_reasons={keys[0]: FailedReason(reason="no")})
    recall_some(careful, keys[:1])
    assert careful.result(number).overtaken_by is None
    assert requests(careful) == ([number], [])


def test_it_is_looked_for_again_only_once_another_recall_went_on(
    careful: Ledger, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = send(careful, world, 5)
    others = send(careful, world, 2, campaign="summer")
    number = asked_for(careful)
    recall_some(careful, others[:1])
    look = Mock(wraps=candidates.first_taker_since)
    monkeypatch.setattr("ledger.store.recalls.overtaken.first_taker_since", look)
    for _ in range(3):
        assert requests(careful) == ([number], [])
    assert look.call_count == 1
    clock.advance(timedelta(seconds=1))
    recall_some(careful, keys[:1])
    assert requests(careful) == ([], [number])


def test_who_asked_is_to_plan_it_again_and_nobody_else_is_asked_for_anything(careful: Ledger, world: World) -> None:
    keys = send(careful, world, 5)
    number = asked_for(careful)
    waiting = careful.parts.recall_lines.waiting_for
    assert [one.recall_id for one in waiting(LI, limit=9)] == [number]
    assert waiting(WANG, limit=9) == []
    recall_some(careful, keys[:1])
    assert waiting(LI, limit=9) == []
    assert [one.recall_id for one in waiting(WANG, limit=9)] == [number]


def test_a_plan_set_for_later_says_who_took_some_and_runs_without_these(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    keys = send(book, world, 5)
    number = book.plan(campaign="spring", reason="the offer is over", actor="wang").recall_id
    book.parts.schedules.set(number, clock.now() + timedelta(hours=1), actor="wang")
    assert book.result(number).overtaken_by is None
    other = recall_some(book, keys[:1])
    result = book.result(number)
    assert (result.overtaken_by, state_of(result, clock.now())) == (other, RecallState.SCHEDULED)
    clock.advance(timedelta(hours=1))
    book.parts.worker().start_scheduled()
    assert (book.result(number).eligible, book.result(number).overtaken_by) == (4, None)
