"""What never left is asked again and no more than that; a second person, and people who are erased."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from ledger import Ledger, Settings
from ledger.clock import FakeClock
from ledger.core.corrections.correction import WhyNot
from ledger.core.corrections.correction_text import CorrectionText
from ledger.core.recalls.recall import Status
from ledger.errors import ApprovalNeededError, PlanChangedError, WrongStateError
from ledger.simulator import World
from ledger.testing import InlineExecutor, WorldTransport
from tests.conftest import MakeLedger
from tests.services.corrections.conftest import Recalled
from tests.services.corrections.test_corrections import PEOPLE, plan_of, received


class Unreachable(httpx.BaseTransport):
    """Finds no connection for so many sends, and then does."""

    def __init__(self, world: World, clock: FakeClock, times: int) -> None:
        self._inner, self.times, self.tried = WorldTransport(world, clock), times, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Fail a send as one that never left, or hand the request on."""
        if request.url.path.endswith("batchSend"):
            self.tried += 1
            if self.tried <= self.times:
                raise httpx.ConnectError("connection refused")
        return self._inner.handle_request(request)


def unreachable(book: Ledger, world: World, clock: FakeClock, times: int) -> tuple[Ledger, Unreachable]:
    transport = Unreachable(world, clock, times)
    settings: Settings = book.parts.settings
    return Ledger(settings, clock=clock, executor=InlineExecutor(), transport=transport), transport


def test_what_never_left_is_asked_again_after_a_while(
    book: Ledger, world: World, clock: FakeClock, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, PEOPLE[:3])
    other, transport = unreachable(book, world, clock, 3)
    with other:
        plan = plan_of(other, recall_id, text)
        before = clock.now()
        result = other.parts.corrections.run(plan.correction_id, actor="wang")
        assert (result.status, result.sent, result.calls, transport.tried) == (Status.FINISHED, 3, 1, 4)
        assert clock.now() - before > timedelta(seconds=3)
        assert other.verify().ok
        assert plan_of(other, recall_id, text).quota["used"] == plan.quota["used"] + 1
    assert received(world) == dict.fromkeys(PEOPLE[:3], 1)


def test_what_cannot_leave_at_all_pauses_and_says_so(
    book: Ledger, world: World, clock: FakeClock, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, PEOPLE[:3])
    other, _ = unreachable(book, world, clock, 10_000)
    with other:
        plan = plan_of(other, recall_id, text)
        result = other.parts.corrections.run(plan.correction_id, actor="wang")
        assert (result.status, result.pending, result.calls) == (Status.PAUSED, 3, 0)
        assert result.error is not None
        assert "cannot be reached" in result.error["message"]
    resumed = book.parts.corrections.resume(plan.correction_id, actor="wang")
    assert (resumed.status, resumed.sent) == (Status.FINISHED, 3)


def alone(book: Ledger, recall_id: int, text: CorrectionText, actor: str = "wang") -> Any:
    plan = plan_of(book, recall_id, text, actor=actor)
    return book.parts.corrections.run(plan.correction_id, actor=actor)


def test_what_one_person_corrects_within_a_day_counts_together(
    make_ledger: MakeLedger, text: CorrectionText, recalled: Recalled
) -> None:
    book = make_ledger()
    first, second = recalled(book, PEOPLE[:3], campaign="one"), recalled(book, PEOPLE[3:6], campaign="two")
    strict = make_ledger(approval_recipients=4)
    assert alone(strict, first, text).sent == 3
    with pytest.raises(ApprovalNeededError, match="the same person corrected alone"):
        alone(strict, second, text)
    with pytest.raises(WrongStateError, match="waits for a second person"):
        plan_of(strict, second, text, actor="li")
    strict.parts.corrections.cancel(2, actor="wang")
    assert alone(strict, second, text, actor="li").sent == 3
    assert strict.verify().ok


def test_somebody_erased_is_left_out_and_a_plan_that_saw_them_is_not_sent(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, ["ann", "bob"])
    plan = plan_of(book, recall_id, text)
    book.parts.person_eraser.erase("ann", reason="asked for it", actor="admin")
    with pytest.raises(PlanChangedError):
        book.parts.corrections.run(plan.correction_id, actor="wang")
    assert alone(book, recall_id, text).sent == 1
    assert received(world) == {"bob": 1}
    erased = book.parts.person_eraser.erase("bob", reason="asked for it", actor="admin")
    assert erased.places["corrections"] == 1
    assert set(book.parts.correction_reports.left_out(recall_id).values()) == {WhyNot.ERASED}
    assert not book.parts.person_eraser.look("bob").is_known
    assert book.verify().ok


def test_nobody_is_erased_while_a_correction_has_yet_to_reach_them(
    book: Ledger, world: World, text: CorrectionText, recalled: Recalled
) -> None:
    recall_id = recalled(book, ["ann"])
    world.change(permission_missing=True)
    paused = alone(book, recall_id, text)
    with pytest.raises(WrongStateError, match="being corrected"):
        book.parts.person_eraser.erase("ann", reason="asked for it", actor="admin")
    book.parts.corrections.cancel(paused.correction_id, actor="wang")
    assert book.parts.person_eraser.erase("ann", reason="asked for it", actor="admin").person
    assert book.verify().ok


def test_a_person_is_shown_which_corrections_were_for_them(
    book: Ledger, text: CorrectionText, recalled: Recalled
) -> None:
    alone(book, recalled(book, ["ann", "bob"]), text)
    (shown,) = book.parts.person_export.run_once("ann", actor="admin").corrections
    assert (shown["outcome"], shown["robot_code"]) == ("sent", "robot-1")
    assert "bob" not in str(shown)
