"""The figures of plans on random ledgers, held against a recount that knows nothing of how a plan is made."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ledger import Ledger
from ledger.core.recalls.recall import Plan, Status
from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import Campaign
from ledger.simulator import World
from tests.conftest import MakeLedger
from tests.fuzzing import fuzzed
from tests.sending import send

USERS = ("ann", "bob", "cyd", "dan", "eve")
ROBOTS = ("robot-1", "robot-2", "unknown-robot")
AGES = (timedelta(hours=1), timedelta(hours=20), timedelta(hours=25))
numbers = count()

_ITEMS = """
SELECT m.process_query_key AS "key", i.outcome, r.status, i.call_id, i.in_doubt, r.id AS recall
FROM recall_items i JOIN recalls r ON r.id = i.recall_id JOIN messages m ON m.id = i.message_id
"""


APPS = {"default": {"app_key": "dingapp", "app_secret": "a-long-secret-of-the-app", "robots": ["robot-1", "robot-2"]}}


@pytest.fixture
def book(make_ledger: MakeLedger) -> Ledger:
    """A ledger that knows the app of two robots of three."""
    return make_ledger(app_key=None, app_secret=None, apps=APPS)


def fill(book: Ledger, world: World, campaign: str, chance: random.Random) -> None:
    """Record messages of all sorts, and let recalls do something with some of them."""
    for _ in range(chance.randint(1, 6)):
        conversation = chance.choice([None, None, "cid-1", "cid-2"])
        users = None if conversation else chance.sample(USERS, chance.randint(1, 3))
        send(
            book,
            world,
            chance.randint(1, 25),
            robot=chance.choice(ROBOTS),
            campaign=campaign,
            sent_ago=chance.choice(AGES),
            users=users,
            conversation=conversation,
        )
    for _ in range(chance.randint(0, 2)):
        made = book.plan(campaign=campaign, robot=chance.choice(ROBOTS), reason="before")
        if made.eligible:
            _do_something(book, world, made, chance)


def _do_something(book: Ledger, world: World, made: Plan, chance: random.Random) -> None:
    what = chance.choice(["run", "start", "start and freeze", "doubt", "cancel"])
    if what == "cancel":
        book.cancel(made.recall_id)
    elif what.startswith("start"):
        book.parts.lifecycle.start(made.recall_id)
        if what != "start":
            book.parts.freezer.finish(made.recall_id)
    else:
        if what == "doubt":
            world.change(silent_next=1, second_recall="failed_result")
        book.run(made)
        world.change(silent_next=0)


def past_of(book: Ledger) -> Mapping[str, list[Any]]:
    """Return what recalls have done, by key; of what they have yet to copy, what they show."""
    items: dict[str, list[Any]] = defaultdict(list)
    with book.parts.database.read() as connection:
        for row in connection.execute(text(_ITEMS)):
            items[row.key].append(row)
    for recall in book.recalls():
        if recall.status in (Status.RUNNING, Status.PAUSED):
            waiting = SimpleNamespace(recall=recall.recall_id, outcome=None, status=recall.status, call_id=None)
            for item in book.show(recall.recall_id).items:
                if item.outcome is None:
                    items[item.process_query_key].append(waiting)
    return items


def recount(book: Ledger, campaign: str, asked: set[str], now: datetime, *, shared: bool) -> Mapping[str, Any]:
    """Count again, message by message, from what the tables say."""
    items = past_of(book)
    sums, people, others, calls = Counter[str](), set[str](), set[str](), Counter[Any]()
    robots, held_by, deadlines = Counter[str](), set[int](), list[datetime]()
    for message in every_message(book, campaign):
        if asked and not asked & set(message.recipients):
            continue
        past = items[message.process_query_key]
        standing = judged(message, past, asked, now, shared=shared)
        sums[standing] += 1
        held_by |= {one.recall for one in past if is_at_it(one) and standing == "in_progress"}
        if standing in ("eligible", "shared_skipped") and asked:
            others |= set(message.recipients) - asked
        if standing == "eligible":
            people |= set(message.recipients)
            robots[message.robot_code] += 1
            deadlines.append(message.deadline)
            doubtful = any(one.outcome in ("unknown", "partial") for one in past)
            calls[message.robot_code, message.chat, message.open_conversation_id, doubtful] += 1
    return {
        **{name: sums[name] for name in ("eligible", "expired", "already_recalled", "in_progress", "shared_skipped")},
        "unconfigured": sums["unconfigured"],
        "recipients": len(people),
        "other_recipients": len(others),
        "calls": sum(ceil(size / 20) for size in calls.values()),
        "robots": dict(robots),
        "held_by": tuple(sorted(held_by)),
        "first_deadline": min(deadlines, default=None),
        "last_deadline": max(deadlines, default=None),
    }


def is_at_it(item: Any) -> bool:
    return item.outcome is None and (item.status in ("running", "paused") or item.call_id is not None)


def judged(message: Any, past: Iterable[Any], asked: set[str], now: datetime, *, shared: bool) -> str:
    if any(one.outcome == "recalled" for one in past):
        return "already_recalled"
    if any(is_at_it(one) for one in past):
        return "in_progress"
    if message.deadline <= now:
        return "expired"
    if message.robot_code == "unknown-robot":
        return "unconfigured"
    return "shared_skipped" if asked and not shared and set(message.recipients) - asked else "eligible"


def every_message(book: Ledger, campaign: str) -> list[Any]:
    selection = Selection(campaigns=frozenset({Campaign(campaign)}))
    return list(book.parts.pages.messages(selection, limit=1000).values)


@fuzzed(25)
@given(st.randoms(use_true_random=False), st.sets(st.sampled_from(USERS), max_size=3), st.booleans())
def test_a_plan_says_what_a_naive_recount_says(
    book: Ledger, world: World, chance: random.Random, asked: set[str], shared: bool
) -> None:
    campaign = f"campaign-{next(numbers)}"
    fill(book, world, campaign, chance)
    expected = recount(book, campaign, asked, book.parts.clock.now(), shared=shared)
    made = book.plan(campaign=campaign, users=sorted(asked) or None, include_shared=shared, reason="counted")
    assert {name: getattr(made, name) for name in expected} == expected
    if made.eligible:
        shown = {item.process_query_key for item in book.show(made.recall_id).items}
        book.parts.lifecycle.start(made.recall_id)
        book.parts.freezer.finish(made.recall_id)
        assert {item.process_query_key for item in book.show(made.recall_id).items} == shown
        assert len(shown) == made.eligible
        ended = book.cancel(made.recall_id)
        # What an earlier recall left in doubt is unknown and not cancelled.
        assert ended.cancelled + ended.unknown == made.eligible
    assert book.verify().ok
