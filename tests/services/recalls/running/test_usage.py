"""Usage: what costs something of the month's quota is counted before it leaves, and given back when it never left."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.answer import NoAnswer
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName, Route
from ledger.dingtalk.departure import Leave
from ledger.errors import SettingsError
from ledger.simulator import World
from ledger.store.schema import recall_calls
from tests.sending import send

SENDS = 45
FAILED = "without credentials"
LATE = "held up beyond its slot"
NO_WAY = "without a connection"


@pytest.fixture
def trouble(book: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Keep the next call that was opened from leaving."""
    caller = book.parts.caller
    prepare, recall = caller.prepare, caller.recall
    coming: list[str] = []

    def prepare_badly(app: AppName) -> NoAnswer | None:
        # Whoever starts a recall looks first, before any call is counted.
        is_counted = any(call["verdict"] is None for call in book.show(1).calls)
        if is_counted and FAILED in coming:
            coming.remove(FAILED)
            raise SettingsError("the secret is gone")
        if is_counted and LATE in coming:
            coming.remove(LATE)
            clock.advance(timedelta(seconds=10))
        return prepare(app)

    def recall_badly(route: Route, keys: list[str], leave: Leave) -> object:
        if NO_WAY in coming:
            coming.remove(NO_WAY)
            return NoAnswer(reason="no route to host", sent=False)
        return recall(route, keys, leave)

    monkeypatch.setattr(caller, "prepare", prepare_badly)
    monkeypatch.setattr(caller, "recall", recall_badly)
    return coming.append


@pytest.mark.parametrize("why", [FAILED, LATE, NO_WAY])
def test_a_call_that_never_left_is_given_back(
    book: Ledger, world: World, trouble: Callable[[str], None], why: str
) -> None:
    send(book, world, SENDS)
    trouble(why)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    if result.status is Status.PAUSED:
        result = book.resume(result.recall_id)
    assert (result.status, result.recalled) == (Status.FINISHED, SENDS)
    with book.parts.database.read() as connection:
        assert (connection.scalar(select(func.count()).select_from(recall_calls)) or 0) > 3
    arrived = [call for call in world.calls() if call.path.endswith("batchRecall")]
    assert len(arrived) == 3
    assert book.plan(campaign="spring", reason="look").quota["used"] == SENDS + len(arrived)
