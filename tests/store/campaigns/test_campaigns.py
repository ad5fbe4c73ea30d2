"""Campaigns are counted as messages are written: always what counting each message by hand would give."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from ledger import Ledger
from ledger.clock import FakeClock, as_utc
from ledger.core.access.bounds import Bounds
from ledger.core.campaigns.campaign import CampaignLine
from ledger.core.deadline import WINDOW
from ledger.core.recording.message import RobotCode
from ledger.services.upkeep import people_counter
from ledger.store.campaigns.campaign_people import add_up_counts
from ledger.store.schema import campaign_people, message_counts, messages, recall_items, recalls
from tests.conftest import NOON
from tests.sending import row
from tests.store.naive_counts import naive_lines

ROBOTS = ("robot-1", "robot-2")
CAMPAIGNS = (None, "spring", "summer", "autumn")


class RandomLedger:
    """A ledger to which one thing after the other happens."""

    def __init__(self, book: Ledger, clock: FakeClock, seed: int) -> None:
        self._book, self._clock, self._random, self._sent = book, clock, Random(seed), 0  # noqa: S311  (no secret)

    def happen(self) -> None:
        """Let one thing happen."""
        deeds = (self._send, self._send, self._resend, self._tag, self._recall, self._erase, self._wait, self._purge)
        self._random.choice(deeds)()

    def _send(self) -> None:
        rows = []
        for _ in range(self._random.randrange(1, 60)):
            self._sent += 1
            ago = timedelta(seconds=self._random.choice((0, 30, 86_370, 86_399.9995, 3600 * self._random.random())))
            users = [f"user-{self._random.randrange(30)}" for _ in range(self._random.randrange(4))]
            robot, campaign = self._random.choice(ROBOTS), self._random.choice(CAMPAIGNS)
            sent_at = self._clock.now() - ago
            rows.append(row(f"k{self._sent}", sent_at, users=sorted(set(users)), robot=robot, campaign=campaign))
        self._book.record_many(rows)

    def _resend(self) -> None:
        number = self._random.randrange(1, self._sent + 2)
        for robot in ROBOTS:
            self._book.record_many([row(f"k{number}", self._clock.now(), robot=robot, users=["user-1", "user-of-two"])])

    def _tag(self) -> None:
        some, campaign = self._random.sample(CAMPAIGNS, 2)
        with self._book.parts.database.write() as connection:
            mine = messages.c.campaign.is_(None) if some is None else messages.c.campaign == some
            connection.execute(update(messages).where(mine, messages.c.id % 3 == 0).values(campaign=campaign))

    def _recall(self) -> None:
        with self._book.parts.database.write() as connection:
            ids = connection.scalars(select(messages.c.id).order_by(messages.c.id)).all()
            some = self._random.sample(list(ids), min(len(ids), 9))
            hold(connection, some, self._clock.now())
            ended = {"outcome": "recalled", "finished_at": self._clock.now()}
            connection.execute(update(recall_items).where(recall_items.c.id % 3 > 0).values(ended))

    def _erase(self) -> None:
        with self._book.parts.database.write() as connection:
            connection.execute(
                update(messages).where(messages.c.id % 7 == 0).values(recipients=["erased"], recipient_count=1)
            )

    def _wait(self) -> None:
        self._clock.advance(timedelta(seconds=self._random.choice((29.5, 61, 3600, 40_000))))

    def _purge(self) -> None:
        self._book.purge()
        self._book.parts.people_counter.run_once()


def hold(connection: Connection, ids: Sequence[int], now: datetime, **values: Any) -> None:
    """Put messages into a recall that has ended."""
    made = {
        "reason": "x",
        "actor": "wang",
        "selection": {},
        "plan": {"recall_id": 1},
        "next_lane": 1,
        "planned_at": now,
    }
    recall_id = connection.scalar(
        insert(recalls).values(status="finished", include_shared=False, **made).returning(recalls.c.id)
    )
    for number in ids:
        copied = {
            "chat": "one_to_one",
            "robot_code": "r",
            "process_query_key": "k",
            "recipients": [],
            "undelivered": {},
        }
        times = {"sent_at": now, "deadline": now}
        connection.execute(
            insert(recall_items).values(
                recall_id=recall_id, message_id=number, lane=0, app="default", **copied, **times, **values
            )
        )


def counted(book: Ledger, robots: Sequence[str] = ()) -> list[CampaignLine]:
    lines = sorted(
        book.parts.campaigns(Bounds(robots=frozenset(map(RobotCode, robots)))), key=lambda line: line.campaign or ""
    )
    return [replace(line, keyless=0, unrecallable=()) for line in lines]


def naive(book: Ledger, robots: Sequence[str] = ()) -> list[CampaignLine]:
    with book.parts.database.read() as connection:
        return naive_lines(connection, book.parts.clock.now(), robots)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_campaigns_and_their_people_are_what_counting_by_hand_gives(
    book: Ledger, clock: FakeClock, seed: int
) -> None:
    happening = RandomLedger(book, clock, seed)
    for _ in range(40):
        happening.happen()
        assert counted(book) == naive(book)
    assert counted(book, ROBOTS[:1]) == naive(book, ROBOTS[:1])
    assert counted(book, ROBOTS) == naive(book)


def test_a_person_who_got_two_messages_of_a_campaign_is_one(book: Ledger) -> None:
    book.record_many([row("k1", NOON, users=["ann", "bob"]), row("k2", NOON, users=["ann"])])
    (line,) = book.campaigns()
    assert (line.recipients, line.people, line.people_counted_at) == (3, 2, None)


def test_what_commits_later_with_an_earlier_number_is_counted_once_it_commits(book: Ledger) -> None:
    if book.parts.opened().is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    engine = book.parts.database.engine
    with engine.connect() as late, engine.connect() as early:
        late.execute(insert(messages).values(**stored("k1")))
        early.execute(insert(messages).values(**stored("k2")))
        early.commit()
        assert counted(book) == naive(book)
        book.parts.people_counter.run_once()
        late.commit()
    assert counted(book) == naive(book)
    assert [line.messages for line in counted(book)] == [2]


def test_what_was_rolled_back_is_not_counted(book: Ledger) -> None:
    with book.parts.opened().engine.connect() as connection:
        connection.execute(insert(messages).values(**stored("k1")))
        connection.rollback()
    assert counted(book) == []


def test_a_message_that_two_recalls_took_back_is_recalled_once(book: Ledger) -> None:
    book.record_many([row("k1", NOON), row("k2", NOON)])
    with book.parts.database.write() as connection:
        ids = connection.scalars(select(messages.c.id)).all()
        for _ in range(2):
            hold(connection, ids[:1], NOON, outcome="recalled", finished_at=NOON)
    assert counted(book) == naive(book)
    assert [(line.recalled, line.recallable) for line in counted(book)] == [(1, 1)]


def test_rows_that_many_transactions_counted_become_few_and_say_the_same(book: Ledger) -> None:
    for number in range(5):
        book.record_many([row(f"k{number}", NOON)])
    before = counted(book)
    with book.parts.database.write() as connection:
        add_up_counts(connection)
        assert len(connection.execute(select(message_counts)).all()) == 1
    assert counted(book) == before


def test_nothing_is_kept_of_a_campaign_without_messages(book: Ledger) -> None:
    book.record_many([row("k1", NOON)])
    assert counted(book)[0].people == 1
    with book.parts.database.write() as connection:
        connection.execute(delete(messages))
        add_up_counts(connection)
        add_up_counts(connection)
        tables = (message_counts, campaign_people)
        left = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
    assert left == [0, 0]


def test_people_of_a_large_campaign_are_those_of_the_last_count_with_its_time_until_a_worker_counts(
    book: Ledger, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_counter, "NEW_AT_ONCE", 2)
    monkeypatch.setattr(people_counter, "CHANGED_AT_ONCE", 2)
    book.record_many([row("k1", NOON, users=["ann", "bob"])])
    assert [(line.people, line.people_counted_at) for line in book.campaigns()] == [(2, None)]
    clock.advance(timedelta(minutes=1))
    book.record_many([row("k2", NOON, users=["eve"])])
    assert [(line.people, line.people_counted_at) for line in book.campaigns()] == [(2, NOON)]
    book.parts.people_counter.run_once()
    assert [(line.people, line.people_counted_at) for line in book.campaigns()] == [(3, None)]


def test_people_of_a_large_campaign_that_nobody_counted_yet_are_not_known(
    book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_counter, "NEW_AT_ONCE", 1)
    book.record_many([row("k1", NOON, users=["ann", "bob"])])
    assert [(line.recipients, line.people) for line in book.campaigns()] == [(2, None)]


def stored(key: str) -> dict[str, Any]:
    sent_at = as_utc(NOON)
    values = {"robot_code": "robot-1", "process_query_key": key, "chat": "one_to_one", "campaign": "spring"}
    times = {"sent_at": sent_at, "deadline": sent_at + WINDOW, "recorded_at": sent_at}
    return {**values, **times, "recipients": ["ann"], "recipient_count": 1, "undelivered": {}}
