"""Going on: what is due after a pause, what a lifted ban no longer holds up, and which other recalls go along."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome, Result, Status
from ledger.core.recording.message import AppName
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.cli.screen.run_progress import how_far
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.store.recalls import paces
from tests.conftest import NOON, MakeLedger
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"
BAN = ScriptedAnswer(path=ONE_ON_ONE, status=200, body={"status": 1111, "wait": 5, "punish": "deny"})


class EnoughError(Exception):
    """Somebody stops a run."""


def stop_at_once(_result: Result) -> None:
    raise EnoughError


def share(book: Ledger) -> float:
    with book.parts.database.read() as connection:
        return paces.read_pace(connection, AppName("default"), "one_to_one").share


def test_what_waits_to_be_asked_again_is_due_as_soon_as_somebody_resumes(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 3)
    plan = book.plan(campaign="spring", reason="wrong link")
    world.script(ScriptedAnswer.error("system.error", path=ONE_ON_ONE, times=7))

    def stop_after_many(_result: Result) -> None:
        if len(world.calls(ONE_ON_ONE)) == 7:
            raise EnoughError

    with pytest.raises(EnoughError):
        book.run(plan, on_progress=stop_after_many)
    book.parts.lifecycle.pause(plan.recall_id, why="the network is being fixed", actor="li")
    before = clock.now()
    assert book.resume(plan.recall_id).recalled == 3
    # Otherwise the eighth ask would come half a minute later at the soonest.
    assert clock.now() - before < timedelta(seconds=5)


def test_without_a_connection_the_pace_stays_what_it_is(book: Ledger, world: World) -> None:
    send(book, world, 3)
    # What cannot even get a token has not been sent.
    world.script(ScriptedAnswer(path="/v1.0/oauth2/accessToken", cut=Cut.BEFORE_WORK, times=4))
    assert book.run(book.plan(campaign="spring", reason="wrong link")).recalled == 3
    assert share(book) == 1.0


def test_a_server_that_fails_still_slows_the_pace(book: Ledger, world: World) -> None:
    send(book, world, 3)
    world.script(ScriptedAnswer.error("system.error", path=ONE_ON_ONE))
    assert book.run(book.plan(campaign="spring", reason="wrong link")).recalled == 3
    assert share(book) < 1.0


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_lifted_ban_need_not_be_waited_for_and_the_history_says_who_knew(
    book: Ledger, world: World, clock: FakeClock, is_resumed: bool
) -> None:
    send(book, world, 3, campaign="first")
    send(book, world, 3)
    world.script(BAN)
    with pytest.raises(EnoughError):
        book.run(book.plan(campaign="first", reason="wrong link"), on_progress=stop_at_once)
    assert clock.now() - NOON < timedelta(seconds=10)
    plan = book.plan(campaign="spring", reason="wrong link")
    assert plan.estimated_seconds > 290
    before = clock.now()
    if is_resumed:
        book.parts.lifecycle.start(plan.recall_id)
        result = book.parts.lifecycle.resume(plan.recall_id, actor="li", at_once=True)
    else:
        result = book.parts.lifecycle.run(plan.recall_id, actor="li", at_once=True)
    assert result.recalled == 3
    assert clock.now() - before < timedelta(seconds=10)
    cleared = [one for one in book.show(plan.recall_id).timeline if one["event"] == "wait_cleared"]
    assert [one["actor"] for one in cleared] == ["li"]
    assert book.verify().ok


def test_a_ban_that_is_not_lifted_after_all_is_waited_for_again(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 3)
    world.script(BAN)
    before = clock.now()
    plan = book.plan(campaign="spring", reason="wrong link")
    assert book.parts.lifecycle.run(plan.recall_id, at_once=True).recalled == 3
    assert clock.now() - before >= timedelta(minutes=5)


def test_a_run_names_the_recalls_that_it_carried_on_beside_its_own(make_ledger: MakeLedger, world: World) -> None:
    book, gone = make_ledger(), make_ledger()
    send(gone, world, 40, campaign="left alone")
    left = gone.plan(campaign="left alone", reason="its process went away").recall_id
    gone.parts.lifecycle.start(left)
    send(book, world, 100)
    shown = list[Result]()
    result = book.run(book.plan(campaign="spring", reason="wrong link"), on_progress=shown.append)
    assert (result.recalled, result.beside) == (100, (left,))
    assert result.to_json()["beside"] == [left]
    assert shown[-1].beside == (left,)
    assert f"also carries on recall {left}" in how_far(shown[-1], book.parts.clock.now())
    paper = StringIO()
    show_result(Console(file=paper, width=80), result, (), now=book.parts.clock.now())
    assert f"calls were made of recall {left}, which was running" in " ".join(paper.getvalue().split())
    assert book.show(left).result.recalled > 0


def test_a_run_by_itself_names_no_other(book: Ledger, world: World) -> None:
    send(book, world, 3)
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.status, result.beside) == (Status.FINISHED, ())
    assert {item.outcome for item in book.show(result.recall_id).items} == {Outcome.RECALLED}
