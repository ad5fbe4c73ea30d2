"""What stays when messages are purged, and the proof that nobody rewrote it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.recall import Outcome, Status
from ledger.errors import ApprovalNeededError, DatabaseError, UnknownRecallError
from ledger.services.recalls.lifecycle import RunIn
from ledger.simulator import World
from ledger.store.database import Database
from tests.conftest import MakeLedger
from tests.sending import send


@pytest.fixture
def recalled(book: Ledger, world: World) -> dict[str, list[str]]:
    """Two campaigns recalled by two people: keys by campaign, one of the first refused."""
    spring = send(book, world, 3, campaign="spring", users=["ann", "bob"])
    autumn = send(book, world, 2, campaign="autumn", robot="robot-2", sent_ago=timedelta(hours=5))
    world.change(failed_reasons={spring[0]: "不允许"})
    book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"))
    book.run(book.plan(campaign="autumn", reason="wrong date", actor="li"))
    return {"spring": spring, "autumn": autumn}


def questions(book: Ledger, keys: dict[str, list[str]]) -> dict[str, list[str]]:
    """Ask the history in every way and return the keys of each answer."""
    noon = book.parts.clock.now().replace(hour=12, minute=0, second=0, microsecond=0, day=1)
    asked = {
        "campaign": book.history(campaign="spring"),
        "user": book.history(users=["bob"]),
        "key": book.history(keys=[keys["autumn"][1]]),
        "robot": book.history(robot="robot-2"),
        "since": book.history(since=noon - timedelta(hours=2)),
        "until": book.history(until=noon - timedelta(hours=2)),
        "outcome": book.history(outcome="refused"),
        "actor": book.history(actor="li"),
        "together": book.history(campaign="spring", outcome=Outcome.RECALLED, users=["ann"], actor="wang"),
        "all": book.history(),
        "newest": book.history(limit=1),
    }
    return {question: sorted(item.process_query_key for item in answer) for question, answer in asked.items()}


def test_history_answers_after_the_purge_as_before_it(
    book: Ledger, clock: FakeClock, recalled: dict[str, list[str]]
) -> None:
    before = questions(book, recalled)
    clock.advance(timedelta(days=40))
    assert book.purge().purged == 5
    assert book.campaigns() == []
    spring, autumn = sorted(recalled["spring"]), sorted(recalled["autumn"])
    assert before["campaign"] == before["user"] == before["since"] == spring
    assert before["robot"] == before["actor"] == before["until"] == autumn
    assert before["key"] == [recalled["autumn"][1]]
    assert before["outcome"] == [recalled["spring"][0]]
    assert before["together"] == sorted(recalled["spring"][1:])
    assert len(before["all"]) == 5
    clock.advance(timedelta(days=-40))
    assert questions(book, recalled) == before


@pytest.mark.usefixtures("recalled")
def test_history_comes_newest_first_with_every_fact(book: Ledger) -> None:
    items = list(book.history())
    moments = [item.finished_at for item in items]
    assert moments == sorted(moments, reverse=True)  # type: ignore[type-var]
    refused = next(item for item in items if item.outcome is Outcome.REFUSED)
    assert (refused.actor, refused.campaign, refused.reason, refused.code) == (
        "wang",
        "spring",
        "不允许",
        "failedResult",
    )
    assert refused.recipients == ("ann", "bob")


def test_the_purge_takes_only_what_is_past_its_window(book: Ledger, world: World) -> None:
    send(book, world, 2, sent_ago=timedelta(hours=24))
    send(book, world, 3, sent_ago=timedelta(hours=23, minutes=59))
    assert book.purge().purged == 2
    assert book.purge().purged == 0
    (line,) = book.campaigns()
    assert line.messages == 3


def test_the_purge_leaves_what_an_unfinished_recall_holds(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 2)
    send(book, world, 1, campaign="other")
    world.change(permission_missing=True)
    plan = book.plan(campaign="spring", reason="wrong link")
    assert book.run(plan).status is Status.PAUSED
    clock.advance(timedelta(hours=25))
    assert book.purge().purged == 1
    result = book.resume(plan.recall_id)
    assert (result.status, result.expired) == (Status.FINISHED, 2)
    assert book.purge().purged == 2


def test_the_purge_finds_people_as_before_in_what_it_leaves(book: Ledger, world: World) -> None:
    send(book, world, 1, users=["ann"], sent_ago=timedelta(hours=30))
    send(book, world, 1, users=["ann"], sent_ago=timedelta(hours=23))
    send(book, world, 1, users=["ann"], sent_ago=timedelta(minutes=5))
    book.purge()
    plan = book.plan(users=["ann"], reason="look")
    assert (plan.eligible, plan.expired) == (2, 0)


def test_plans_that_nobody_ran_go_with_the_purge_but_stay_in_the_history(
    book: Ledger, world: World, clock: FakeClock, database: Database
) -> None:
    send(book, world, 2)
    book.plan(campaign="spring", reason="only looking")
    clock.advance(timedelta(hours=1))
    book.purge()
    assert book.recalls() == []
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM recall_items")) == 0
        assert connection.scalar(text("SELECT event FROM history")) == "planned"


@pytest.mark.usefixtures("recalled")
def test_a_whole_history_is_verified(book: Ledger) -> None:
    verification = book.verify()
    assert verification.ok
    assert verification.entries >= 6


@pytest.mark.usefixtures("recalled")
@pytest.mark.parametrize("statement", ["UPDATE history SET actor = 'nobody'", "DELETE FROM history"])
def test_the_database_refuses_to_change_history(database: Database, statement: str) -> None:
    with pytest.raises((DBAPIError, DatabaseError), match="append-only"), database.write() as connection:
        connection.execute(text(statement))


@pytest.mark.usefixtures("recalled")
def test_history_rewritten_behind_the_trigger_is_found(book: Ledger, database: Database) -> None:
    with database.write() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER history_no_update"))
        else:
            connection.execute(text("ALTER TABLE history DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE history SET actor = 'nobody' WHERE id = 2"))
    verification = book.verify()
    assert (verification.ok, verification.broken_at) == (False, 2)


@pytest.mark.usefixtures("recalled")
def test_an_outcome_changed_without_history_is_found(book: Ledger, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE recall_items SET outcome = 'recalled' WHERE outcome = 'refused'"))
    verification = book.verify()
    assert (verification.ok, verification.broken_at, verification.disputed) == (False, None, 1)


def test_what_a_recall_left_out_is_kept_with_the_reason(book: Ledger, world: World, clock: FakeClock) -> None:
    late = send(book, world, 1, users=["ann"], sent_ago=timedelta(hours=25))
    send(book, world, 1, users=["ann"])
    shared = send(book, world, 1, users=["ann", "bob"])
    plan = book.plan(users=["ann"], reason="look")
    book.run(plan)
    clock.advance(timedelta(days=2))
    book.purge()
    skipped = {fact["process_query_key"]: fact["standing"] for fact in book.show(plan.recall_id).skipped}
    assert skipped == {late[0]: "expired", shared[0]: "shared_skipped"}


@pytest.mark.usefixtures("recalled")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recalls SET actor = 'nobody' WHERE id = 1",
        "UPDATE recalls SET reason = 'nothing to see' WHERE id = 1",
        "UPDATE recall_items SET process_query_key = 'another' WHERE recall_id = 1",
        "UPDATE recall_items SET reason = 'fine' WHERE outcome = 'refused'",
        "DELETE FROM recall_items WHERE outcome = 'refused'",
        "DELETE FROM recalls WHERE id = 1",
    ],
)
def test_whatever_people_see_is_held_against_the_history(book: Ledger, database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.execute(text(statement))
    verification = book.verify()
    assert not verification.ok
    assert verification.disputed_recalls == (1,)


def test_a_digest_that_was_kept_elsewhere_proves_that_the_end_is_still_there(book: Ledger, world: World) -> None:
    send(book, world, 1)
    book.run(book.plan(campaign="spring", reason="wrong link"))
    kept = book.verify().last_digest
    send(book, world, 1, campaign="autumn")
    book.run(book.plan(campaign="autumn", reason="wrong date"))
    assert book.verify(kept).known_digest_found is True
    cut = book.verify("f" * 64)
    assert (cut.ok, cut.known_digest_found) == (False, False)


def test_who_did_what_to_a_recall_is_shown_in_order(book: Ledger, world: World) -> None:
    (key,) = send(book, world, 1)
    world.change(failed_reasons={key: "not allowed"})
    number = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    world.change(failed_reasons={})
    book.retry(number, actor="li")
    done = [(entry["event"], entry["actor"]) for entry in book.show(number).timeline]
    assert done == [
        ("planned", "wang"),
        ("started", "wang"),
        ("finished", "worker"),
        ("retried", "li"),
        ("finished", "worker"),
    ]


def test_the_timeline_keeps_why_a_recall_was_paused_also_after_it_went_on(book: Ledger, world: World) -> None:
    send(book, world, 1)
    world.change(permission_missing=True)
    number = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    world.change(permission_missing=False)
    book.resume(number, actor="li")
    report = book.show(number)
    assert (report.result.status, report.result.error) == (Status.FINISHED, None)
    causes = {(entry["event"], entry["actor"]): entry["cause"] for entry in report.timeline}
    cause = causes.pop(("paused", "the ledger"))
    assert (cause["code"], "qyapi_robot_sendmsg" in cause["message"]) == ("permission", True)
    assert causes == dict.fromkeys(
        [("planned", "wang"), ("started", "wang"), ("resumed", "li"), ("finished", "worker")]
    )


def test_every_item_says_why_it_was_recalled_and_who_agreed(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(approval_recipients=1)
    send(book, world, 1, campaign="alone")
    book.run(book.plan(campaign="alone", reason="wrong date", actor="li"))
    send(book, world, 2)
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    with pytest.raises(ApprovalNeededError):
        book.run(plan)
    book.approve(plan.recall_id, actor="li")
    facts = {(item.campaign, item.recall_reason, item.actor, item.approved_by) for item in book.history()}
    assert facts == {("alone", "wrong date", "li", None), ("spring", "wrong link", "wang", "li")}
    assert {item.approved_by for item in book.show(plan.recall_id).items} == {"li"}


def test_a_plan_that_was_cancelled_before_it_ran_is_no_outcome_of_its_keys(book: Ledger, world: World) -> None:
    send(book, world, 2)
    book.cancel(book.plan(campaign="spring", reason="only looking").recall_id)
    assert list(book.history()) == []
    assert book.verify().ok


def test_a_plan_says_how_many_of_the_named_keys_nobody_recorded(book: Ledger, world: World) -> None:
    keys = send(book, world, 2)
    assert book.plan(keys=[*keys, "unheard-of"], reason="look").unrecorded_keys == 1


def test_a_pause_that_nobody_asked_for_is_by_the_ledger_and_one_by_hand_names_who(book: Ledger, world: World) -> None:
    send(book, world, 1)
    world.change(permission_missing=True)
    number = book.run(book.plan(campaign="spring", reason="wrong link", actor="wang")).recall_id
    world.change(permission_missing=False)
    book.parts.lifecycle.resume(number, actor="li", run_in=RunIn.ANY_WORKER)
    book.parts.lifecycle.pause(number, actor="bob", why="lunch")
    done = [(entry["event"], entry["actor"]) for entry in book.show(number).timeline]
    assert done[2:] == [("paused", "the ledger"), ("resumed", "li"), ("paused", "bob")]
    assert book.verify().ok


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_number_too_large_for_a_database_is_no_recall_and_no_limit(
    book: Ledger, recalled: dict[str, list[str]], number: int
) -> None:
    with pytest.raises(UnknownRecallError):
        book.show(number)
    assert len(book.recalls(limit=number)) == 2
    assert len(list(book.history(limit=number))) == sum(len(keys) for keys in recalled.values())
