"""What ended without any ask of ours may have been recalled by somebody else: who wants to know asks DingTalk."""

from io import StringIO

import pytest
from rich.console import Console

from ledger import Ledger
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.screen.recall_report import show_report
from ledger.simulator import ReadsAfterRecall, Request, World
from ledger.store.audit import history
from tests.sending import send

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"


def cancelled(book: Ledger, world: World, count: int) -> tuple[int, list[str]]:
    """Cancel a recall that was paused before it asked for anything; return its number and its keys."""
    keys = send(book, world, count, users=["ann", "bob"])
    world.change(monthly_quota=0)
    number = book.run(book.plan(campaign="spring", reason="typo", actor="wang"), actor="wang").recall_id
    assert book.show(number).result.status is Status.PAUSED
    world.change(monthly_quota=5000)
    book.cancel(number, actor="wang")
    return number, keys


def by_another_program(world: World, keys: list[str]) -> None:
    body = {"robotCode": "robot-1", "processQueryKeys": keys}
    world.handle(Request.post(ONE_ON_ONE, body, token=world.issue_token("dingapp")))


def told(book: Ledger) -> list[tuple[str, str]]:
    """Return what the history says of messages that others recalled: keys and causes."""
    with book.parts.database.read() as connection:
        entries = [one.entry for one in history.read_all(connection)]
    return [
        (one[2], one[3]) for entry in entries if entry.event == "recalled_elsewhere" for one in entry.detail["messages"]
    ]


@pytest.mark.parametrize("named", [ReadsAfterRecall.READERS, ReadsAfterRecall.NOBODY])
def test_a_cancelled_message_that_its_read_status_says_is_recalled_is_of_other_hands(
    book: Ledger, world: World, named: ReadsAfterRecall
) -> None:
    number, keys = cancelled(book, world, 3)
    by_another_program(world, keys[:1])
    world.change(reads_after_recall=named)
    settler = book.parts.read_status
    assert (settler.cost(number), settler.cost_of_unasked(number, 20)) == (0, 3)
    result = settler.run(number, actor="li", sample=20)
    # How it ended stays: nobody here recalled it.
    assert (result.cancelled, result.recalled) == (3, 0)
    assert told(book) == [(keys[0], "read status")]
    report = book.show(number)
    assert report.recalled_elsewhere == report.to_json()["recalled_elsewhere"] == [keys[0]]
    with StringIO() as paper:
        show_report(Console(file=paper, width=200), report, book.parts.clock.now())
        (line,) = [line for line in paper.getvalue().splitlines() if "recalled elsewhere" in line]
    assert keys[0][:8] in line
    plan = book.plan(campaign="spring", reason="typo", actor="wang")
    assert (plan.eligible, plan.recalled_elsewhere) == (2, 1)
    # What is known is not asked again.
    assert settler.cost_of_unasked(number, 20) == 2
    assert book.verify().ok


def test_nobody_asks_about_what_was_never_asked_for_without_saying_how_much(book: Ledger, world: World) -> None:
    number, keys = cancelled(book, world, 3)
    by_another_program(world, keys)
    asked = len(world.calls())
    book.parts.read_status.run(number, actor="li")
    assert len(world.calls()) == asked
    book.parts.read_status.run(number, actor="li", sample=2)
    assert len(world.calls()) == asked + 2
    assert len(told(book)) == 2


def test_what_another_recall_of_ours_asked_for_is_not_of_other_hands(book: Ledger, world: World) -> None:
    number, _ = cancelled(book, world, 2)
    again = book.run(book.plan(campaign="spring", reason="typo", actor="wang"), actor="wang")
    assert again.recalled == 2
    assert book.parts.read_status.cost_of_unasked(number, 20) == 0
    book.parts.read_status.run(number, actor="li", sample=20)
    assert told(book) == []
    assert book.show(number).recalled_elsewhere == []
