"""Who has read it: by lot, at a price that is said first, kept as it comes, and exact once all were asked."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.readers.read_sample import ReadReport, UnknownSize
from ledger.core.recalls.selection import select as selected
from ledger.errors import InputError, NothingEligibleError, PausedError, QuotaUsedUpError
from ledger.services.reports.people import Whose
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.store.audit import history
from ledger.store.audit.history import Entry
from ledger.store.database import Database
from ledger.store.schema import read_counts, usage
from tests.conftest import MakeLedger
from tests.sending import send

READ_STATUS = "/v1.0/robot/oToMessages/readStatus"
GROUP_QUERY = "/v1.0/robot/groupMessages/query"
SPRING = Whose(selection=selected(campaign="spring"))


def ask(book: Ledger, sample: int | None = None, whose: Whose = SPRING) -> ReadReport:
    return book.parts.read_asker.ask(whose, sample=sample, actor="wang")


def to_pairs(book: Ledger, world: World, count: int, *, readers: int) -> None:
    """Send messages to two people each, of whom one has read it, in so many messages."""
    for number in range(count):
        send(book, world, 1, users=[f"reader{number}", f"other{number}"])
    world.change(readers=[f"reader{number}" for number in range(readers)])


def entries(database: Database, event: str) -> list[Entry]:
    with database.read() as connection:
        return [one.entry for one in history.read_all(connection) if one.entry.event == event]


def test_all_that_are_asked_give_an_exact_share(book: Ledger, world: World) -> None:
    to_pairs(book, world, 6, readers=3)
    found = ask(book, 6)
    assert (found.messages, found.asked, found.read, found.unread, found.calls) == (6, 6, 3, 9, 6)
    assert (found.share_low, found.share_high, found.is_exact) == (0.25, 0.25, True)


def test_a_sample_gives_a_range_that_holds_the_truth_and_says_how_many_were_asked(book: Ledger, world: World) -> None:
    to_pairs(book, world, 30, readers=15)
    found = ask(book, 12)
    assert (found.messages, found.asked, found.calls, found.is_exact) == (30, 12, 12, False)
    assert found.share_low is not None
    assert found.share_high is not None
    assert 0 < found.share_low < 0.25 < found.share_high < 1
    assert len(world.calls(READ_STATUS)) == 12


def test_asked_again_within_ten_minutes_only_the_others_are_asked(book: Ledger, world: World, clock: FakeClock) -> None:
    to_pairs(book, world, 5, readers=5)
    ask(book, 3)
    price = book.parts.read_asker.price(SPRING, sample=5)
    assert (price.sample, price.known, price.calls) == (5, 3, 2)
    found = ask(book, 5)
    assert (found.asked, found.calls, found.is_exact) == (5, 2, True)
    assert ask(book, 5).calls == 0
    clock.advance(timedelta(minutes=10))
    assert ask(book, 5).calls == 5


def test_without_a_number_a_small_part_of_what_the_month_has_left_is_spent(
    make_ledger: MakeLedger, world: World
) -> None:
    book = make_ledger(monthly_calls=1000, quota_reserve_calls=500)
    send(book, world, 60)
    price = book.parts.read_asker.price(SPRING)
    # 60 were sent: a twentieth of what is left above the reserve.
    assert (price.messages, price.sample, price.calls) == (60, 22, 22)
    assert price.quota == {"limit": 1000, "used": 60, "after": 918, "reserve": 500}


def test_where_the_month_bears_nothing_somebody_has_to_say_how_many(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(monthly_calls=100, quota_reserve_calls=95)
    to_pairs(book, world, 10, readers=0)
    with pytest.raises(InputError, match="--sample"):
        ask(book)
    assert ask(book, 2).asked == 2


def test_readers_of_a_group_are_counted_over_all_pages_and_its_size_stays_unknown(book: Ledger, world: World) -> None:
    send(book, world, 1, conversation="cid-1")
    world.change(readers=[f"user{number:03}" for number in range(450)], names_union_ids=True, misspelt_success=True)
    price = book.parts.read_asker.price(SPRING)
    assert (price.calls, price.is_least) == (1, True)
    found = ask(book)
    assert (found.asked, found.read, found.unread, found.calls) == (1, 450, 0, 3)
    assert (found.share_low, found.share_high) == (None, None)
    assert found.of_unknown_size == UnknownSize(messages=1, asked=1, read=450)
    assert len(world.calls(GROUP_QUERY)) == 3


def test_of_a_group_whose_people_were_recorded_the_share_is_known(book: Ledger, world: World) -> None:
    send(book, world, 1, conversation="cid-1", users=["ann", "bob", "cid", "dan"])
    world.change(readers=["ann"])
    found = ask(book)
    assert (found.read, found.unread, found.share_low, found.share_high) == (1, 3, 0.25, 0.25)


def test_what_gave_no_answer_widens_the_share_to_both_sides(book: Ledger, world: World) -> None:
    to_pairs(book, world, 2, readers=2)
    world.script(ScriptedAnswer.error("unknown.send.result", path=READ_STATUS))
    found = ask(book, 2)
    assert (found.asked, found.unknown, found.read, found.unread) == (1, 1, 1, 1)
    assert (found.share_low, found.share_high, found.is_exact) == (0.25, 0.75, False)


@pytest.mark.parametrize("lacks", [["messageReadInfoList"], ["sendStatus", "messageReadInfoList"]])
def test_an_answer_without_readers_is_none(book: Ledger, world: World, lacks: list[str]) -> None:
    to_pairs(book, world, 1, readers=1)
    world.change(reads_leave_out=lacks)
    assert (ask(book).asked, ask(book).unknown) == (0, 1)


def test_what_passes_by_itself_is_asked_again_and_costs_what_dingtalk_counts(
    book: Ledger, world: World, database: Database
) -> None:
    to_pairs(book, world, 4, readers=4)
    world.revoke_tokens()
    world.script(
        ScriptedAnswer.error("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", path=READ_STATUS),
        ScriptedAnswer(path=READ_STATUS, cut=Cut.BEFORE_WORK),
    )
    found = ask(book)
    assert (found.asked, found.is_exact) == (4, True)
    with database.read() as connection:
        counted = connection.scalar(select(usage.c.calls).where(usage.c.app == "default"))
    assert counted == found.calls == 5


def test_a_used_up_quota_stops_and_keeps_what_was_answered(book: Ledger, world: World) -> None:
    to_pairs(book, world, 40, readers=40)
    world.change(monthly_quota=20)
    with pytest.raises(QuotaUsedUpError):
        ask(book, 40)
    world.change(monthly_quota=None)
    found = ask(book, 40)
    assert (found.asked, found.is_exact) == (40, True)
    assert found.calls == 20


def test_a_ban_stops_at_once_and_nothing_more_is_asked_while_it_lasts(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    to_pairs(book, world, 3, readers=3)
    world.script(ScriptedAnswer(path=READ_STATUS, status=200, body={"status": 1111, "wait": 5, "punish": "deny"}))
    with pytest.raises(PausedError, match="ask again"):
        ask(book, 1)
    with pytest.raises(PausedError, match="ask again"):
        ask(book, 1)
    assert len(world.calls(READ_STATUS)) == 1
    clock.advance(timedelta(minutes=6))
    assert ask(book, 1).asked == 1


def test_whoever_is_killed_in_the_middle_has_kept_what_was_answered(make_ledger: MakeLedger, world: World) -> None:
    book = make_ledger(calls_in_flight=4)
    to_pairs(book, world, 10, readers=10)

    def killed(done: int, _all: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        book.parts.read_asker.ask(SPRING, sample=10, actor="wang", on_asked=killed)
    found = ask(make_ledger(), 10)
    assert (found.asked, found.calls, found.is_exact) == (10, 2, True)


def test_the_history_says_who_asked_what_at_what_price_and_what_was_answered(
    book: Ledger, world: World, database: Database
) -> None:
    to_pairs(book, world, 2, readers=1)
    ask(book, 2)
    [intent] = entries(database, "reads_asked")
    assert (intent.actor, intent.recall_id) == ("wang", None)
    selection = {"campaign": "spring"}
    assert intent.detail == {"messages": 2, "sample": 2, "known": 0, "calls": 2, "selection": selection}
    [answered] = entries(database, "reads_answered")
    assert sorted(answered.detail["answers"]) == [[1, "SUCCESS", 1, 1], [2, "SUCCESS", 0, 2]]
    assert book.verify().ok


def test_nobody_who_was_selected_by_name_stands_in_the_history(book: Ledger, world: World, database: Database) -> None:
    to_pairs(book, world, 2, readers=1)
    assert ask(book, whose=Whose(selection=selected(users=["reader0"]))).messages == 1
    assert "reader0" not in str(entries(database, "reads_asked"))


def test_a_plan_and_a_recall_are_asked_by_their_number(book: Ledger, world: World) -> None:
    to_pairs(book, world, 3, readers=2)
    number = book.plan(campaign="spring", reason="wrong link").recall_id
    whose = Whose(recall_id=number)
    assert (ask(book, whose=whose).read, ask(book, whose=whose).recall_id) == (2, number)
    book.run(number)
    # The people are as they were: what is gone was asked before, and is asked once more.
    assert ask(book, whose=whose).asked == 3
    assert book.verify().ok


@pytest.mark.parametrize(("after", "read"), [("readers", 3), ("nobody", 1), ("expired_400", 1)])
def test_after_a_recall_a_list_of_nobody_takes_back_nothing(
    book: Ledger, world: World, clock: FakeClock, after: str, read: int
) -> None:
    to_pairs(book, world, 3, readers=1)
    ask(book, 3)
    number = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    world.change(readers=["reader0", "reader1", "reader2"], reads_after_recall=after)
    clock.advance(timedelta(minutes=11))
    assert ask(book, 3, Whose(recall_id=number)).read == read


def test_what_is_past_its_time_cannot_be_asked_about(book: Ledger, world: World, clock: FakeClock) -> None:
    send(book, world, 1)
    send(book, world, 1, sent_ago=timedelta(hours=23, minutes=30))
    clock.advance(timedelta(hours=1))
    assert book.parts.read_asker.price(SPRING).too_late == 1
    clock.advance(timedelta(hours=24))
    with pytest.raises(NothingEligibleError, match="24 hours"):
        ask(book)


def test_counts_go_with_their_messages_unless_a_recall_has_them(
    book: Ledger, world: World, clock: FakeClock, database: Database
) -> None:
    to_pairs(book, world, 2, readers=1)
    ask(book)
    book.run(book.plan(users=["reader0"], reason="wrong link", include_shared=True))
    clock.advance(timedelta(hours=25))
    book.purge()
    with database.read() as connection:
        assert list(connection.scalars(select(read_counts.c.message_id))) == [1]


def test_a_person_gets_whether_they_had_read_what_reached_nobody_else_and_an_erasure_leaves_the_counts(
    book: Ledger, world: World
) -> None:
    send(book, world, 1, users=["ann"])
    send(book, world, 1, users=["ann", "bob"])
    world.change(readers=["ann"])
    ask(book)
    found = book.parts.person_export.run_once("ann", actor="li")
    assert [one.get("was_read") for one in found.messages] == [True, None]
    assert "was_read" not in book.parts.person_export.run_once("bob", actor="li").messages[0]
    number = book.run(book.plan(campaign="spring", reason="wrong link")).recall_id
    before = book.show(number).before_reading
    book.parts.person_eraser.erase("ann", reason="asked to be forgotten", actor="li")
    assert book.show(number).before_reading == before
    assert book.verify().ok
