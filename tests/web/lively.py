"""A lively desk: campaigns with long names in two languages, and a recall in every state that a page can show."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from ledger import Ledger
from ledger.clock import Clock
from ledger.errors import ApprovalNeededError
from ledger.simulator import FailedReason, World
from tests.sending import send

LONG = "2026 年春季促销活动通知（华东大区全体门店店长与导购员，请勿外传）"
PEOPLE = [f"user-{number:03}" for number in range(509)]


@dataclass(frozen=True)
class Lively:
    """The recalls of a lively desk, by the state that they are in."""

    waiting: int
    partly: int
    finished: int
    paused: int
    denied: int
    running: int
    scheduled: int
    to_review: int
    planned: int
    cancelled: int


def furnish(book: Ledger, world: World, clock: Clock) -> Lively:
    """Fill a ledger that wants a second person for more than 300 people; no worker may be at it meanwhile."""
    for campaign, count in ((LONG, 26), ("spring-promo", 6), ("Spring-promo", 1)):
        for number in range(count):
            send(book, world, 1, campaign=campaign, users=PEOPLE[number * 20 : number * 20 + 20])
    keys = send(book, world, 12, campaign="周报")
    for name in ("on-call roster", "paused", "denied", "running", "scheduled", "mistake"):
        send(book, world, 12, campaign=name)
    send(book, world, 700, campaign="soon", sent_ago=timedelta(hours=23, minutes=51))
    send(book, world, 2, campaign="group", conversation="cid/+==")
    finished = book.run(book.plan(campaign="on-call roster", reason="the wrong week", actor="wang.wei")).recall_id
    world.change(failed_reasons={keys[0]: FailedReason(reason="no such message")})
    partly = book.run(book.plan(campaign="周报", reason="链接有误", actor="li.na")).recall_id
    waiting = book.plan(campaign=LONG, reason="价格写错了", actor="wang.wei").recall_id
    with pytest.raises(ApprovalNeededError):
        book.parts.lifecycle.run(waiting, actor="wang.wei")
    large = book.plan(campaign="soon", reason="too late otherwise", actor="zhao.min")
    to_review = book.run(large, actor="zhao.min", break_glass="nobody answers").recall_id
    world.change(permission_missing=True)
    denied = book.run(book.plan(campaign="denied", reason="wrong link", actor="li.na")).recall_id
    world.change(permission_missing=False)
    paused = book.plan(campaign="paused", reason="wrong link", actor="li.na").recall_id
    book.parts.lifecycle.start(paused, actor="li.na")
    book.parts.lifecycle.pause(paused, why="looking into it", actor="li.na")
    running = book.plan(campaign="running", reason="wrong link", actor="li.na").recall_id
    book.parts.lifecycle.start(running, actor="li.na")
    scheduled = book.plan(campaign="scheduled", reason="it is over then", actor="li.na").recall_id
    book.parts.schedules.set(scheduled, clock.now() + timedelta(hours=1), actor="li.na", is_proven=False)
    cancelled = book.plan(campaign="mistake", reason="a mistake", actor="li.na").recall_id
    book.cancel(cancelled, actor="li.na")
    planned = book.plan(users=["user-001"], reason="left the company", actor="li.na", include_shared=True).recall_id
    return Lively(
        waiting=waiting,
        partly=partly,
        finished=finished,
        paused=paused,
        denied=denied,
        running=running,
        scheduled=scheduled,
        to_review=to_review,
        planned=planned,
        cancelled=cancelled,
    )
