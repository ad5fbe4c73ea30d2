"""When calls leave: the first one at once, those behind it after the time that it may take to connect."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import Route
from ledger.dingtalk.departure import Leave
from ledger.services.recalls.running.api_slots import LOOKAHEAD
from ledger.simulator import World
from ledger.store.schema import recall_calls
from tests.sending import send

APART = (1 + 0.03) / 20
TO_CONNECT = LOOKAHEAD.total_seconds()


def run(book: Ledger, world: World, campaign: str) -> list[float]:
    """Recall 80 messages, and return the seconds from each of the four calls to the next."""
    before = len(world.calls())
    send(book, world, 80, campaign=campaign)
    book.run(book.plan(campaign=campaign, reason="wrong link"))
    moments = [call.at for call in world.calls()[before:] if "Recall" in call.path]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]


def test_after_a_rest_the_calls_behind_the_first_leave_it_the_time_to_connect(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    assert run(book, world, "spring") == pytest.approx([TO_CONNECT + APART, APART, APART], abs=1e-3)
    assert run(book, world, "summer") == pytest.approx([APART, APART, APART], abs=1e-3)
    clock.advance(timedelta(minutes=5))
    assert run(book, world, "autumn") == pytest.approx([TO_CONNECT + APART, APART, APART], abs=1e-3)


@pytest.mark.parametrize(("had_to_connect", "calls"), [(True, 2), (False, 3)])
def test_a_call_is_late_by_its_own_handshake_but_not_by_a_process_that_was_held_up(
    had_to_connect: bool, calls: int, book: Ledger, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, recall = book.parts.caller, book.parts.caller.recall
    late = [timedelta(seconds=1)]

    def recall_late(route: Route, keys: Sequence[str], leave: Leave) -> Answer | NoAnswer:
        def leave_late(_: bool) -> None:
            is_late = bool(late)
            clock.advance(late.pop() if late else timedelta(0))
            leave(is_late and had_to_connect)

        return recall(route, keys, leave_late)

    monkeypatch.setattr(caller, "recall", recall_late)
    send(book, world, 40)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.status, result.recalled) == (Status.FINISHED, 40)
    with book.parts.database.read() as connection:
        opened = connection.scalar(select(func.count()).select_from(recall_calls))
    assert opened == calls, "who gave its slot back opens another"
    assert sum("Recall" in call.path for call in world.calls()) == 2
