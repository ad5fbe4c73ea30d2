"""What other hands have recalled is no work of ours: counted apart, not asked for, and written in the history."""

from collections.abc import Sequence
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy import delete, update

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.events.message_events import EventKind
from ledger.core.recalls.plan import Standing
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli.screen.recall_report import show_report
from ledger.services.recalls.asking.inquiries import Inquiry, Question
from ledger.services.reports.people import Whose
from ledger.simulator import FailedReason, ReadsAfterRecall, Request, World
from ledger.store.audit import history
from ledger.store.schema import message_events, recalled_elsewhere
from tests.sending import row, send
from tests.services.events.conftest import rows
from tests.services.events.telling import tell, tell_of_recall

ONE_ON_ONE = "/v1.0/robot/otoMessages/batchRecall"


def entries(book: Ledger) -> list[history.Entry]:
    with book.parts.database.read() as connection:
        found = [one.entry for one in history.read_all(connection)]
    return [one for one in found if one.event == "recalled_elsewhere"]


def test_what_others_recalled_is_planned_apart_and_costs_no_call(book: Ledger, world: World) -> None:
    keys = send(book, world, 3)
    (event,) = tell_of_recall(book, keys[:1])
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    assert (plan.eligible, plan.recalled_elsewhere, plan.calls) == (2, 1, 1)
    result = book.run(plan, actor="wang")
    assert (result.eligible, result.recalled) == (2, 2)
    assert sorted(key for call in world.calls(ONE_ON_ONE) for key in call.keys) == sorted(keys[1:])
    (entry,) = entries(book)
    assert (entry.actor, entry.recall_id) == ("worker", None)
    assert [tuple(one[1:]) for one in entry.detail["messages"]] == [("robot-1", keys[0], f"event {event}")]
    assert book.verify().findings == ()


def test_lists_and_campaigns_say_so(book: Ledger, world: World) -> None:
    keys = send(book, world, 3)
    tell_of_recall(book, keys[:1])
    (line,) = book.campaigns()
    assert (line.messages, line.recallable, line.recalled, line.recalled_elsewhere) == (3, 2, 0, 1)
    pages = book.parts.pages
    seen = pages.messages(select(campaign="spring"), limit=10).values
    found = {one.process_query_key: one.standing for one in seen}
    assert found[keys[0]] is Standing.ELSEWHERE
    recallable = pages.messages(select(campaign="spring"), only_recallable=True, limit=10).values
    assert {one.process_query_key for one in recallable} == set(keys[1:])
    (person,) = book.parts.people.page(Whose(selection=select(keys=keys[:1])), limit=10).values
    assert (person.messages, person.left, person.recalled) == (1, 0, 1)


def test_deadlines_of_a_campaign_are_of_what_is_left_of_it(book: Ledger, world: World, clock: FakeClock) -> None:
    early = send(book, world, 1, sent_ago=timedelta(hours=20))
    send(book, world, 1, sent_ago=timedelta(hours=10))
    late = send(book, world, 1, sent_ago=timedelta(hours=1))
    tell_of_recall(book, [*early, *late])
    (line,) = book.campaigns()
    assert line.recallable == 1
    assert line.first_deadline == line.last_deadline == clock.now() + timedelta(hours=14)
    assert line.recalled_elsewhere == 2


def test_of_several_copies_each_has_to_be_named(book: Ledger, world: World) -> None:
    keys = send(book, world, 1, users=["ann", "bob"])
    tell_of_recall(book, keys, ["ann"])
    assert book.plan(campaign="spring", reason="r", actor="wang").eligible == 1
    tell_of_recall(book, keys, ["bob"])
    plan = book.plan(campaign="spring", reason="r", actor="wang")
    assert (plan.eligible, plan.recalled_elsewhere) == (0, 1)


def test_a_message_in_a_group_is_one_for_all(book: Ledger, world: World) -> None:
    keys = send(book, world, 1, conversation="cid-1")
    tell_of_recall(book, keys, ["an admin"])
    assert book.plan(campaign="spring", reason="r", actor="wang").recalled_elsewhere == 1


def test_an_event_of_our_own_recall_is_no_other_hands(book: Ledger, world: World) -> None:
    keys = send(book, world, 2)
    world.change(failed_reasons={keys[1]: FailedReason(reason="no, really")})
    book.run(book.plan(campaign="spring", reason="r", actor="wang"), actor="wang")
    tell_of_recall(book, keys)
    assert book.parts.elsewhere.run_once() == 0
    assert rows(book.parts.database, recalled_elsewhere) == []
    assert book.plan(campaign="spring", reason="r", actor="wang").already_recalled == 1


def test_an_event_before_its_message_waits_for_it(book: Ledger, world: World, clock: FakeClock) -> None:
    sent_at = clock.now() - timedelta(hours=1)
    (key,) = world.make_messages(1, robot_code="robot-1", sent_at=sent_at)
    tell_of_recall(book, [key])
    assert book.parts.elsewhere.run_once() == 0
    clock.advance(timedelta(hours=20))
    book.purge()
    assert book.record_many([row(key, sent_at)]).recorded == 1
    assert book.parts.elsewhere.run_once() == 1
    assert book.parts.elsewhere.run_once() == 0


@pytest.mark.parametrize(("robot", "marked"), [("robot-1", 1), (None, 1), ("another", 0)])
def test_a_key_of_another_robot_is_another_message(book: Ledger, world: World, robot: str | None, marked: int) -> None:
    tell_of_recall(book, send(book, world, 1), robot=robot)
    assert book.parts.elsewhere.run_once() == marked


def test_a_read_event_takes_nothing_back(book: Ledger, world: World) -> None:
    tell(book, EventKind.READ, send(book, world, 1), ["ann"])
    assert book.parts.elsewhere.run_once() == 0


def by_another_program(world: World, keys: list[str]) -> None:
    """Recall messages as a program that the ledger knows nothing of."""
    body = {"robotCode": "robot-1", "processQueryKeys": keys}
    world.handle(Request.post(ONE_ON_ONE, body, token=world.issue_token("dingapp")))


@pytest.mark.parametrize("named", [ReadsAfterRecall.READERS, ReadsAfterRecall.NOBODY])
def test_a_read_status_that_says_recalled_is_of_other_hands_where_ours_never_asked(
    book: Ledger, world: World, named: ReadsAfterRecall
) -> None:
    keys = send(book, world, 3, users=["ann", "bob"])
    book.run(book.plan(keys=keys[:1], reason="r", actor="wang"), actor="wang")
    by_another_program(world, keys[1:2])
    world.change(reads_after_recall=named)
    report = book.parts.read_asker.ask(Whose(selection=select(campaign="spring")), actor="wang")
    assert report.unknown == (0 if named is ReadsAfterRecall.READERS else 2)
    (entry,) = entries(book)
    assert (entry.actor, [tuple(one[2:]) for one in entry.detail["messages"]]) == ("worker", [(keys[1], "read status")])
    book.parts.read_asker.ask(Whose(selection=select(campaign="spring")), actor="wang")
    assert book.parts.elsewhere.run_once() == 0
    assert len(entries(book)) == 1
    plan = book.plan(campaign="spring", reason="r", actor="wang")
    assert (plan.eligible, plan.recalled_elsewhere, plan.already_recalled) == (1, 1, 1)
    assert book.verify().ok


def test_a_read_status_that_is_told_no_more_or_says_otherwise_takes_nothing_back(book: Ledger, world: World) -> None:
    keys = send(book, world, 3, users=["ann", "bob"])
    by_another_program(world, keys[:2])
    world.change(reads_after_recall=ReadsAfterRecall.EXPIRED_400, still_there=keys[:1])
    book.parts.read_asker.ask(Whose(selection=select(campaign="spring")), actor="wang")
    assert entries(book) == []
    assert book.plan(campaign="spring", reason="r", actor="wang").eligible == 3


def test_an_answer_of_a_message_that_a_recall_of_ours_asked_for_meanwhile_is_of_nobody_else(
    book: Ledger, world: World
) -> None:
    keys = send(book, world, 1)
    plan = book.plan(campaign="spring", reason="r", actor="wang")
    world.change(reads_after_recall=ReadsAfterRecall.NOBODY)
    asker, inquire = book.parts.read_asker, book.parts.inquirer.ask

    def recalled_first(questions: Sequence[Question]) -> list[Inquiry]:
        book.run(plan, actor="wang")
        return inquire(questions)

    book.parts.inquirer.ask = recalled_first  # type: ignore[method-assign]
    asker.ask(Whose(selection=select(keys=keys)), actor="wang")
    assert entries(book) == []
    assert book.verify().ok


def test_a_recall_that_is_shown_names_how_many_other_hands_had_recalled(book: Ledger, world: World) -> None:
    tell_of_recall(book, send(book, world, 3)[:2])
    first = book.run(book.plan(campaign="spring", reason="typo", actor="wang"), actor="wang").recall_id
    again = book.plan(campaign="spring", reason="to be sure", actor="wang", include_elsewhere=True).recall_id
    shown = [_shown(book, number) for number in (first, again)]
    assert "left out: 2 recalled elsewhere\n" in shown[0]
    assert "asked for: campaign spring; include elsewhere\n" in shown[1]


def _shown(book: Ledger, recall_id: int) -> str:
    with StringIO() as paper:
        report = book.parts.recall_reports.report(recall_id)
        show_report(Console(file=paper), report, book.parts.clock.now())
        return paper.getvalue()


def test_who_wants_it_nevertheless_says_so(book: Ledger, world: World) -> None:
    keys = send(book, world, 2)
    tell_of_recall(book, keys[:1])
    plan = book.plan(campaign="spring", reason="to be sure", actor="wang", include_elsewhere=True)
    assert (plan.eligible, plan.recalled_elsewhere) == (2, 0)
    assert book.run(plan, actor="wang").recalled == 2
    again = book.plan(campaign="spring", reason="again", actor="wang")
    assert (again.already_recalled, again.recalled_elsewhere) == (2, 0)
    (line,) = book.campaigns()
    assert (line.recalled, line.recalled_elsewhere, line.recallable) == (2, 0, 0)
    assert book.verify().ok


def test_what_was_to_vanish_and_is_gone_waits_for_nothing(book: Ledger, world: World, clock: FakeClock) -> None:
    sent_at = clock.now() - timedelta(minutes=5)
    (key,) = world.make_messages(1, robot_code="robot-1", sent_at=sent_at)
    book.record_many([{**row(key, sent_at), "expiresIn": 600}])
    tell_of_recall(book, [key])
    book.parts.elsewhere.run_once()
    clock.advance(timedelta(hours=1))
    book.parts.worker().recall_expiring()
    assert book.recalls() == []


def test_all_of_it_goes_with_the_message(book: Ledger, world: World, clock: FakeClock) -> None:
    tell_of_recall(book, send(book, world, 1, users=["ann"]), ["ann"])
    tell_of_recall(book, ["a key of nobody"], ["ann"])
    assert book.parts.elsewhere.run_once() == 1
    clock.advance(timedelta(hours=24))
    assert book.purge().purged == 1
    assert rows(book.parts.database, message_events) == []
    assert rows(book.parts.database, recalled_elsewhere) == []
    assert book.verify().findings == ()


def test_what_somebody_made_of_it_is_found(book: Ledger, world: World) -> None:
    tell_of_recall(book, send(book, world, 2))
    book.parts.elsewhere.run_once()
    one, other = (found.message_id for found in rows(book.parts.database, recalled_elsewhere))
    with book.parts.database.write() as connection:
        columns = recalled_elsewhere.c
        connection.execute(update(recalled_elsewhere).where(columns.message_id == one).values(cause="nothing"))
        connection.execute(delete(recalled_elsewhere).where(columns.message_id == other))
    assert sorted((found.kind, found.what) for found in book.verify().findings) == [
        ("changed", "elsewhere"),
        ("missing", "elsewhere"),
    ]


def test_an_erased_person_is_not_brought_back_by_a_later_event(book: Ledger, world: World) -> None:
    keys = send(book, world, 1, users=["ann.of.here", "bob"])
    book.parts.person_eraser.erase("ann.of.here", reason="asked to be forgotten", actor="li")
    tell_of_recall(book, keys, ["ann.of.here", "bob"])
    assert {found.user_id for found in rows(book.parts.database, message_events)} == {None, "bob"}


def test_a_recall_set_in_advance_leaves_out_what_others_recall_meanwhile(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    keys = send(book, world, 3)
    plan = book.plan(campaign="spring", reason="tonight", actor="wang")
    book.parts.schedules.set(plan.recall_id, clock.now() + timedelta(minutes=1), actor="wang")
    tell_of_recall(book, keys[:1])
    assert book.parts.elsewhere.run_once() == 1
    clock.advance(timedelta(minutes=1))
    worker = book.parts.worker()
    worker.start_scheduled()
    worker.serve_recalls()
    result = book.show(plan.recall_id).result
    assert (result.recalled, result.pending) == (2, 0)
    assert sorted(key for call in world.calls(ONE_ON_ONE) for key in call.keys) == sorted(keys[1:])
    assert book.verify().findings == ()


def test_what_others_recalled_hinders_nobody_where_the_database_can_only_be_read(book: Ledger, world: World) -> None:
    keys = send(book, world, 3)
    tell_of_recall(book, keys[:1])
    database = book.parts.database
    if database.is_sqlite:
        pytest.skip("the tests may run as a user whom no file refuses")
    with database.engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    database.engine.dispose()
    assert [line.messages for line in book.campaigns()] == [3]
