"""Each outcome names who ran the round in which it came, also where another has planned, retried or cancelled."""

import pytest

from ledger import Ledger
from ledger.core.answer import Answer
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import AppName
from ledger.services.recalls.pacing.leases import own_name
from ledger.services.recalls.running.claimer import Claimer
from ledger.simulator import World
from tests.sending import send


def names_of(book: Ledger) -> dict[str, str]:
    """Return whose act the outcome of each key is."""
    return {item.process_query_key: item.actor for item in book.history(campaign="spring")}


@pytest.fixture
def half_done(book: Ledger, world: World) -> tuple[int, str, str]:
    """A recall that wang ran: one key was refused, one recalled."""
    first, second = send(book, world, 2)
    world.change(failed_reasons={first: "not allowed"})
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    book.run(plan)
    world.change(failed_reasons={})
    return plan.recall_id, first, second


def test_what_a_retry_recalled_is_of_who_retried(book: Ledger, half_done: tuple[int, str, str]) -> None:
    recall_id, first, second = half_done
    book.retry(recall_id, actor="bob")
    assert names_of(book) == {first: "bob", second: "wang"}
    report = book.show(recall_id)
    assert {item.process_query_key: item.actor for item in report.items} == {first: "bob", second: "wang"}
    assert [call["run_by"] for call in report.calls] == ["wang", "bob"]
    for actor, key in (("bob", first), ("wang", second)):
        assert [item.process_query_key for item in book.history(campaign="spring", actor=actor)] == [key]
    assert book.verify().ok


def test_who_runs_the_plan_of_another_is_named(book: Ledger, world: World) -> None:
    (key,) = send(book, world, 1)
    book.run(book.plan(campaign="spring", reason="wrong link", actor="wang"), actor="bob")
    assert names_of(book) == {key: "bob"}
    assert book.verify().ok


def test_an_answer_is_of_who_ran_its_call_though_another_cancelled_meanwhile(book: Ledger, world: World) -> None:
    keys = set(send(book, world, 25))
    parts, plan = book.parts, book.plan(campaign="spring", reason="wrong link", actor="wang")
    parts.lifecycle.start(plan.recall_id)
    parts.freezer.finish()
    claimer = Claimer(parts.database, parts.clock, parts.pace_clock, parts.settings, own_name())
    (call,) = claimer.claim(frozenset({AppName("default")}), 1).calls
    book.cancel(plan.recall_id, actor="carol")
    asked = {item.process_query_key for item in call.items}
    answer = Answer(status=200, body={"successResult": sorted(asked), "failedResult": {}})
    parts.runner._settler.settle([(call, answer, parts.clock.now())])
    named = names_of(book)
    assert {named[key] for key in asked} == {"wang"}
    assert {named[key] for key in keys - asked} == {"carol"}
    assert book.verify().ok


def test_what_waits_again_after_a_cancellation_was_cancelled_by_who_did(book: Ledger, world: World) -> None:
    send(book, world, 3)
    parts, plan = book.parts, book.plan(campaign="spring", reason="wrong link", actor="wang")
    parts.lifecycle.start(plan.recall_id)
    claimer = Claimer(parts.database, parts.clock, parts.pace_clock, parts.settings, own_name())
    (call,) = claimer.claim(frozenset({AppName("default")}), 1).calls
    book.cancel(plan.recall_id, actor="carol")
    parts.runner._settler.settle([(call, Answer(status=503, body={}), parts.clock.now())])
    assert set(names_of(book).values()) == {"carol"}
    assert book.verify().ok


def test_what_the_read_status_told_is_of_who_asked_it(book: Ledger, world: World) -> None:
    (key,) = send(book, world, 1)
    plan = book.plan(campaign="spring", reason="wrong link", actor="wang")
    world.change(silent_next=1, silent_keys_are_recalled=True)
    assert book.run(plan).unknown == 1
    book.parts.read_status.run(plan.recall_id, actor="dora")
    assert names_of(book) == {key: "dora"}
    assert [item.outcome for item in book.history(campaign="spring")] == [Outcome.RECALLED]
    assert book.verify().ok
