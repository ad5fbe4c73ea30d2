"""People instead of numbers: who has messages, who lost them, of whom nobody knows, and whom none ever reached."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock, format_time
from ledger.core.cursor import encode_name
from ledger.core.persons.reached_people import PeopleCount, PersonLine, PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import select
from ledger.errors import BadCursorError, EmptySelectionError, UnknownRecallError
from ledger.services.reports import people as people_reports
from ledger.services.reports.people import Whose
from ledger.simulator import FailedReason, World
from tests.sending import send

SPRING = Whose(selection=select(campaign="spring"))


def line(user: str, **counts: int) -> PersonLine:
    return PersonLine(user=user, **{"messages": 0, "recalled": 0, "left": 0, "unknown": 0, **counts})


def lines(book: Ledger, whose: Whose, **wanted: Any) -> list[PersonLine]:
    return list(book.parts.people.lines(whose, **wanted))


def recorded(book: Ledger, clock: FakeClock, key: str, users: list[str], undelivered: dict[str, list[str]]) -> None:
    """Record a message as the answer of a send tells of it: some of those it was meant for never got it."""
    response = {
        "processQueryKey": key,
        "invalidStaffIdList": undelivered.get("invalid", []),
        "flowControlledStaffIdList": undelivered.get("flow_controlled", []),
    }
    meant = [*users, *(user for some in undelivered.values() for user in some)]
    body = {"robotCode": "robot-1", "userIds": meant, "msgKey": "sampleText", "msgParam": "{}"}
    request = {"method": "POST", "url": "https://api.dingtalk.com/v1.0/robot/oToMessages/batchSend", "body": body}
    row = {"request": request, "response": {"status": 200, "body": response}, "campaign": "spring"}
    done = book.record_many([row | {"sentAt": format_time(clock.now() - timedelta(hours=1))}])
    assert done.rejected == ()


def test_a_selection_says_what_each_person_has_of_it_in_the_order_of_ids(book: Ledger, world: World) -> None:
    send(book, world, 2, users=["bob", "ann"])
    send(book, world, 1, users=["ann", "Zoe"])
    send(book, world, 1, campaign="other", users=["eve"])
    expected = [line("Zoe", messages=1, left=1), line("ann", messages=3, left=3), line("bob", messages=2, left=2)]
    assert lines(book, SPRING) == expected
    assert book.parts.people.count(SPRING) == PeopleCount(
        people=3, lost=0, left=3, unknown=0, still=("Zoe", "ann", "bob")
    )


def test_a_recall_says_who_lost_all_who_still_has_some_and_of_whom_nobody_knows(book: Ledger, world: World) -> None:
    _, second = send(book, world, 2, users=["ann", "bob"])
    send(book, world, 1, users=["ann"])
    (doubtful,) = send(book, world, 1, users=["carl"])
    world.change(failed_reasons={second: FailedReason(reason="no")}, silent_keys={doubtful})
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    assert (result.recalled, result.refused, result.unknown) == (2, 1, 1)
    whose = Whose(recall_id=result.recall_id)
    ann, bob = line("ann", messages=3, recalled=2, left=1), line("bob", messages=2, recalled=1, left=1)
    carl = line("carl", messages=1, unknown=1)
    assert lines(book, whose) == lines(book, SPRING) == [ann, bob, carl]
    assert book.parts.people.count(whose) == PeopleCount(people=3, lost=0, left=2, unknown=1, still=("ann", "bob"))
    assert lines(book, whose, standing=PersonStanding.LEFT) == [ann, bob]
    assert lines(book, whose, standing=PersonStanding.UNKNOWN) == [carl]
    assert lines(book, whose, outcome=Outcome.UNKNOWN) == [carl]
    assert lines(book, whose, outcome=Outcome.RECALLED) == [ann, bob]
    assert lines(book, whose, standing=PersonStanding.LOST) == []


def test_whoever_a_send_turned_away_never_got_it_and_is_not_among_the_people(book: Ledger, clock: FakeClock) -> None:
    recorded(book, clock, "key-1", ["ann"], {"invalid": ["gone"], "flow_controlled": ["busy", "ann-2"]})
    recorded(book, clock, "key-2", ["ann-2"], {})
    never = [line("busy", undelivered=1), line("gone", undelivered=1)]
    for whose in (SPRING, Whose(recall_id=book.plan(campaign="spring", reason="a plan").recall_id)):
        assert lines(book, whose, standing=PersonStanding.NEVER) == never
        assert line("ann-2", messages=1, left=1, undelivered=1) in lines(book, whose)
        assert book.parts.people.count(whose) == PeopleCount(
            people=2, lost=0, left=2, unknown=0, never=2, still=("ann", "ann-2")
        )
        assert {one.user: one.standing for one in lines(book, whose)} == {
            "ann": PersonStanding.LEFT,
            "ann-2": PersonStanding.LEFT,
            "busy": PersonStanding.NEVER,
            "gone": PersonStanding.NEVER,
        }


def test_everybody_has_it_while_a_plan_waits_and_nobody_once_all_is_recalled(book: Ledger, world: World) -> None:
    send(book, world, 3, users=["ann", "bob"])
    plan = book.plan(campaign="spring", reason="wrong link")
    whose = Whose(recall_id=plan.recall_id)
    assert book.parts.people.count(whose).left == plan.recipients == 2
    book.run(plan)
    assert book.parts.people.count(whose) == PeopleCount(people=2, lost=2, left=0, unknown=0)
    assert lines(book, whose) == [line("ann", messages=3, recalled=3), line("bob", messages=3, recalled=3)]


def test_a_recall_knows_its_people_when_the_messages_are_purged(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 2, users=["ann"])
    result = book.run(book.plan(campaign="spring", reason="wrong link"))
    clock.advance(timedelta(days=2))
    book.purge()
    assert lines(book, SPRING) == []
    assert lines(book, Whose(recall_id=result.recall_id)) == [line("ann", messages=2, recalled=2)]


def test_a_page_goes_on_where_the_one_before_it_ended(book: Ledger, world: World) -> None:
    people = ["a", "b", "c", "春", "😀"]
    send(book, world, 1, users=people[::-1])
    found, cursor = list[str](), None
    while True:
        page = book.parts.people.page(SPRING, cursor=cursor, limit=2)
        found += [one.user for one in page.values]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == people
    for nonsense in ("x", "MQ", "bnVsbA"):
        with pytest.raises(BadCursorError):
            book.parts.people.page(SPRING, cursor=nonsense, limit=2)


@pytest.mark.parametrize(("first", "kept"), [(0, 0), (0, 1), (1, 3), (2, 100), (100, 100)])
def test_a_look_begins_with_those_who_still_have_it_and_counts_all_however_many_are_kept(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch, first: int, kept: int
) -> None:
    monkeypatch.setattr(people_reports, "FIRST_LINES", first)
    monkeypatch.setattr(people_reports, "KEPT_LINES", kept)
    users = ["ann", "bob", "cid", "dan", "eve", "fay"]
    keys = [send(book, world, 1, users=[user])[0] for user in users]
    refused = dict.fromkeys((keys[1], keys[4]), FailedReason(reason="no"))
    world.change(failed_reasons=refused, silent_keys=[keys[2]])
    recall_id = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    expected = ["bob", "eve", "cid", "ann", "dan", "fay"]
    for whose in (Whose(recall_id=recall_id), SPRING):
        found, cursor, looks = list[str](), None, 0
        while looks == 0 or cursor is not None:
            look = book.parts.people.look(whose, cursor=cursor, limit=2)
            found += [line.user for line in look.page.values]
            cursor, looks = look.page.cursor, looks + 1
            assert look.count == book.parts.people.count(whose)
            assert (look.count.left, look.count.unknown, look.count.lost) == (2, 1, 3)
        assert (found, looks) == (expected, 3)
        lost = book.parts.people.look(whose, standing=PersonStanding.LOST, limit=2)
        assert [line.user for line in lost.page.values] == ["ann", "dan"]
        rest = book.parts.people.look(whose, standing=PersonStanding.LOST, cursor=lost.page.cursor, limit=2)
        assert [line.user for line in rest.page.values] == ["fay"]
        with pytest.raises(BadCursorError):
            book.parts.people.look(whose, cursor=encode_name("ann"), limit=2)


def test_nothing_selected_is_nobody_and_an_unknown_recall_is_no_recall(book: Ledger) -> None:
    with pytest.raises(EmptySelectionError):
        lines(book, Whose())
    with pytest.raises(UnknownRecallError):
        lines(book, Whose(recall_id=99))
    assert book.parts.people.count(SPRING) == PeopleCount(people=0, lost=0, left=0, unknown=0)


def test_what_is_kept_of_a_recall_is_given_up_once_it_goes_on_or_somebody_is_erased(book: Ledger, world: World) -> None:
    (refused,) = send(book, world, 1, users=["ann"])
    send(book, world, 1, users=["bob"])
    world.change(failed_reasons={refused: FailedReason(reason="no")})
    whose = Whose(recall_id=book.run(book.plan(campaign="spring", reason="wrong link")).recall_id)

    def kept() -> list[PersonLine]:
        page = book.parts.people.page(whose, limit=10).values
        assert list(page) == lines(book, whose)
        return list(page)

    assert kept() == kept() == [line("ann", messages=1, left=1), line("bob", messages=1, recalled=1)]
    world.change(failed_reasons={})
    book.retry(1)
    assert kept() == [line("ann", messages=1, recalled=1), line("bob", messages=1, recalled=1)]
    done = book.parts.person_eraser.erase("bob", reason="left", actor="wang")
    assert [one.user for one in kept()] == ["ann", done.person]


def test_what_is_kept_of_a_campaign_is_given_up_once_anything_happens_to_its_messages(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    (refused,) = send(book, world, 1, users=["ann"])
    send(book, world, 1, users=["bob"])
    world.change(failed_reasons={refused: FailedReason(reason="no")})

    def kept() -> list[PersonLine]:
        """Return what is kept, which is what is counted anew."""
        for limit in (1, 10):
            page = book.parts.people.page(SPRING, limit=limit).values
            assert list(page) == lines(book, SPRING)[:limit]
        look = book.parts.people.look(SPRING, limit=10)
        standings = [one.standing for one in lines(book, SPRING)]
        assert look.count == book.parts.people.count(SPRING)
        assert look.count.left == standings.count(PersonStanding.LEFT)
        assert look.count.lost == standings.count(PersonStanding.LOST)
        assert sorted(look.page.values, key=lambda one: one.user) == list(page)
        return list(page)

    assert kept() == kept() == [line("ann", messages=1, left=1), line("bob", messages=1, left=1)]
    book.run(book.plan(campaign="spring", reason="wrong link"))
    assert kept() == [line("ann", messages=1, left=1), line("bob", messages=1, recalled=1)]
    world.change(failed_reasons={})
    book.retry(1)
    assert kept() == [line("ann", messages=1, recalled=1), line("bob", messages=1, recalled=1)]
    send(book, world, 1, users=["bob", "cid"])
    assert kept()[1:] == [line("bob", messages=2, recalled=1, left=1), line("cid", messages=1, left=1)]
    done = book.parts.person_eraser.erase("cid", reason="left", actor="wang")
    assert [one.user for one in kept()] == ["ann", "bob", done.person]
    clock.advance(timedelta(days=2))
    book.purge()
    assert kept() == []
    send(book, world, 3, users=["dan"])
    assert kept() == [line("dan", messages=3, left=3)]


def test_of_many_lists_the_oldest_are_given_up_and_counted_anew(
    book: Ledger, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_reports, "KEPT_LISTS", 2)
    for number in range(4):
        send(book, world, 1, campaign=f"c-{number}", users=[f"user-{number}", "ann"])
    for _ in range(2):
        for number in range(4):
            look = book.parts.people.look(Whose(selection=select(campaign=f"c-{number}")), limit=10)
            assert [one.user for one in look.page.values] == ["ann", f"user-{number}"]
            assert look.count.left == 2
