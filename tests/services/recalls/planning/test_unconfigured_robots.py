"""Messages of a robot that no app is configured for: counted, kept and shown, and no hindrance to the others."""

import logging
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.screen.plans import show_plan, why_nothing
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.sending import send

APPS = {
    "a": {"robots": ["robot-a"], "app_key": "key-a", "app_secret": "secret-of-app-a"},
    "b": {"robots": ["robot-b"], "app_key": "key-b", "app_secret": "secret-of-app-b"},
}


@pytest.fixture
def several(make_ledger: MakeLedger, world: World) -> Ledger:
    world.configure(apps={"key-a": "secret-of-app-a", "key-b": "secret-of-app-b"})
    return make_ledger(app_key=None, app_secret=None, apps=APPS)


def test_they_are_a_figure_of_their_own_and_the_rest_is_recalled(several: Ledger, world: World) -> None:
    send(several, world, 4, robot="robot-a")
    strange = send(several, world, 3, robot="dingX")
    plan = several.plan(campaign="spring", reason="wrong link")
    assert (plan.eligible, plan.unconfigured, plan.unconfigured_robots) == (4, 3, {"dingX": 3})
    assert plan.to_json()["unconfigured"] == 3
    assert several.run(plan).recalled == 4
    skipped = several.show(plan.recall_id).skipped
    assert {(one["standing"], one["robot_code"]) for one in skipped} == {("unconfigured", "dingX")}
    assert {one["process_query_key"] for one in skipped} == set(strange)
    assert several.verify().ok


def test_a_plan_says_which_robots_and_what_to_do(several: Ledger, world: World, clock: FakeClock) -> None:
    send(several, world, 1, robot="robot-b")
    send(several, world, 3, robot="dingX")
    paper = StringIO()
    plan = several.plan(campaign="spring", reason="wrong link")
    meant = {"campaign": "spring"}
    show_plan(Console(file=paper, width=80), plan, selection=meant, reason="wrong link", now=clock.now())
    assert "3 of a robot of no app (dingX)\n" in paper.getvalue()
    assert "configure it or leave it out\n" in paper.getvalue()
    nothing = several.plan(robot="dingX", reason="wrong link")
    assert nothing.eligible == 0
    assert "3 messages belong to a robot of no app (dingX)" in why_nothing(nothing)


def test_what_is_recalled_expired_or_in_a_recall_stays_that(
    several: Ledger, make_ledger: MakeLedger, world: World, clock: FakeClock
) -> None:
    known = {**APPS, "x": {"robots": ["dingX"], "app_key": "key-x", "app_secret": "secret-of-app-x"}}
    world.configure(apps={"key-x": "secret-of-app-x"})
    send(several, world, 2, robot="dingX")
    book = make_ledger(app_key=None, app_secret=None, apps=known)
    assert book.run(book.plan(campaign="spring", reason="wrong link")).recalled == 2
    plan = several.plan(campaign="spring", reason="again")
    assert (plan.already_recalled, plan.unconfigured) == (2, 0)
    clock.advance(timedelta(hours=24))
    send(several, world, 1, robot="dingX", sent_ago=timedelta(hours=25))
    assert several.plan(campaign="spring", reason="late").unconfigured == 0


def test_a_sticky_recall_goes_on_and_takes_them_once_their_robot_is_known(
    several: Ledger, make_ledger: MakeLedger, world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    send(several, world, 1, robot="robot-a")
    number = several.run(several.plan(campaign="spring", reason="wrong link")).recall_id
    several.parts.sticky.stick(number, 3600, actor="tester")
    clock.advance(timedelta(seconds=5))
    send(several, world, 2, robot="robot-a", sent_ago=timedelta(0))
    send(several, world, 3, robot="dingX", sent_ago=timedelta(0))
    worker = several.parts.worker()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            worker.follow_sticky()
            worker.serve_recalls()
    assert len([one for one in caplog.messages if "dingX" in one]) == 1
    follower = several.recalls()[0]
    assert (follower.follows, follower.status, follower.recalled) == (number, Status.FINISHED, 2)
    assert several.show(number).result.late == 3

    known = {**APPS, "x": {"robots": ["dingX"], "app_key": "key-a", "app_secret": "secret-of-app-a"}}
    worker = make_ledger(app_key=None, app_secret=None, apps=known).parts.worker()
    worker.follow_sticky()
    worker.serve_recalls()
    assert several.recalls()[0].recalled == 3
    assert several.show(number).result.late == 0
