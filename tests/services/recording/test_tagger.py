"""Sends without a campaign: shown as such, selected by what is known of them, and tagged later."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.recalls.selection import select
from ledger.core.recording.message import Campaign, Chat, KeylessSend, RobotCode, UserId
from ledger.errors import EmptySelectionError, InputError
from ledger.store.audit import history
from tests.sending import row


def record(book: Ledger, key: str, campaign: str | None = None, source: str | None = None) -> None:
    """Record a message under a campaign, or none."""
    made: dict[str, Any] = row(key, book.parts.clock.now(), campaign=campaign, users=["ann"])
    book.record_many([{**made, **({"source": source} if source else {})}])


def campaigns_of(book: Ledger) -> dict[str, str | None]:
    """Return the campaign of each key."""
    return {one.process_query_key: one.campaign for one in book.parts.pages.messages(select(), limit=100).values}


@pytest.fixture
def mixed(book: Ledger) -> Ledger:
    """A ledger with messages of two campaigns and of none."""
    for key, campaign, source in (
        ("k1", None, "hr"),
        ("k2", None, "cron"),
        ("k3", "spring", "hr"),
        ("k4", "summer", "cron"),
    ):
        record(book, key, campaign, source)
    return book


@pytest.mark.parametrize(
    ("part", "eligible"),
    [
        ({"untagged": True}, 2),
        ({"source": "hr"}, 2),
        ({"untagged": True, "source": "hr"}, 1),
        ({"campaign": ["spring", "summer"]}, 2),
        ({"campaign": ["spring", "summer"], "source": "hr"}, 1),
        ({"campaign": "spring"}, 1),
    ],
)
def test_messages_are_selected_by_source_by_several_campaigns_and_by_having_none(
    mixed: Ledger, part: dict[str, Any], eligible: int
) -> None:
    plan = mixed.plan(reason="x", **part)
    assert plan.eligible == eligible
    assert mixed.run(plan).status == "finished"
    assert len(list(mixed.history(**part))) == eligible


def test_untagged_messages_have_a_line_of_their_own(mixed: Ledger) -> None:
    assert {line.campaign: line.messages for line in mixed.campaigns()} == {None: 2, "spring": 1, "summer": 1}


def test_no_campaign_and_a_campaign_exclude_each_other(book: Ledger) -> None:
    with pytest.raises(InputError, match="exclude each other"):
        book.plan(reason="x", untagged=True, campaign="spring")
    with pytest.raises(InputError, match="campaign is empty"):
        book.plan(reason="x", campaign=["spring", ""])


def test_what_has_no_campaign_is_tagged_and_what_has_one_is_left_alone(mixed: Ledger) -> None:
    tagged = mixed.tag(campaign="easter", reason="forgotten", source="hr", actor="ann")
    assert (tagged.tagged, tagged.left) == (1, 1)
    assert campaigns_of(mixed) == {"k1": "easter", "k2": None, "k3": "spring", "k4": "summer"}


@pytest.mark.parametrize(
    ("part", "moved"), [({"from_campaign": "spring"}, ["k3"]), ({"keys": ["k3", "k4"]}, ["k3", "k4"])]
)
def test_a_message_of_another_campaign_is_moved_when_that_or_its_key_is_named(
    mixed: Ledger, part: dict[str, Any], moved: list[str]
) -> None:
    assert mixed.tag(campaign="easter", reason="wrong", **part).tagged == len(moved)
    assert [key for key, campaign in campaigns_of(mixed).items() if campaign == "easter"] == moved


def test_the_history_says_who_tagged_what_and_why(mixed: Ledger) -> None:
    mixed.tag(campaign="easter", reason="forgotten", untagged=True, actor="ann")
    with mixed.parts.database.read() as connection:
        (entry,) = [one.entry for one in history.read_all(connection) if one.entry.event == "tagged"]
    assert (entry.actor, entry.detail["reason"], entry.detail["campaign"]) == ("ann", "forgotten", "easter")
    assert (entry.detail["keys"], entry.detail["before"]) == (["k1", "k2"], [None, None])
    assert mixed.verify().ok


def test_items_of_recalls_keep_the_campaign_that_their_messages_had(mixed: Ledger) -> None:
    plan = mixed.plan(campaign="spring", reason="x")
    mixed.tag(campaign="easter", reason="wrong", from_campaign="spring")
    mixed.run(plan)
    (item,) = mixed.history()
    assert item.campaign == "spring"


def test_tagging_twice_and_tagging_what_was_purged_changes_nothing(mixed: Ledger, clock: FakeClock) -> None:
    assert mixed.tag(campaign="easter", reason="x", untagged=True).tagged == 2
    assert mixed.tag(campaign="easter", reason="x", since=clock.now() - timedelta(hours=1)).tagged == 0
    clock.advance(timedelta(hours=25))
    mixed.purge()
    assert mixed.tag(campaign="winter", reason="x", keys=["k1"]).tagged == 0


def test_more_than_fit_into_a_transaction_are_tagged(book: Ledger) -> None:
    now = book.parts.clock.now()
    book.record_many([row(f"k{number}", now, campaign=None) for number in range(2500)])
    assert book.tag(campaign="easter", reason="x", untagged=True).tagged == 2500
    assert [line.messages for line in book.campaigns()] == [2500]
    assert book.verify().ok


def record_without_key(book: Ledger, trace: str, campaign: str | None = None, source: str | None = None) -> None:
    """Record a send whose key never came back."""
    send = KeylessSend(
        trace=trace,
        robot_code=RobotCode("robot-1"),
        chat=Chat.ONE_TO_ONE,
        open_conversation_id=None,
        campaign=Campaign(campaign) if campaign else None,
        source=source,
        recipients=(UserId("ann"), UserId("bob")),
        sent_at=book.parts.clock.now() - timedelta(minutes=1),
        why="nobody answered",
    )
    book.parts.recorder.writer.wait(book.parts.recorder.writer.submit(send), 10)


@pytest.mark.parametrize(
    ("part", "moved", "left"),
    [
        ({"untagged": True}, 2, 0),
        ({"source": "hr"}, 1, 1),
        ({"users": ["bob"]}, 2, 1),
        ({"users": ["bob"], "source": "cron"}, 1, 0),
        ({"users": ["nobody"]}, 0, 0),
        ({"robot": "robot-1"}, 2, 1),
        ({"from_campaign": "spring"}, 1, 0),
        ({"keys": ["k1"]}, 0, 0),
    ],
)
def test_sends_without_key_are_tagged_with_the_messages_beside_them(
    mixed: Ledger, part: dict[str, Any], moved: int, left: int
) -> None:
    for trace, campaign, source in (("t1", None, "hr"), ("t2", None, "cron"), ("t3", "spring", "hr")):
        record_without_key(mixed, trace, campaign, source)
    tagged = mixed.tag(campaign="easter", reason="forgotten", actor="ann", **part)
    assert (tagged.keyless, tagged.keyless_left) == (moved, left)
    assert sum(line.keyless for line in mixed.campaigns() if line.campaign == "easter") == moved
    with mixed.parts.database.read() as connection:
        entries = [one.entry for one in history.read_all(connection) if one.entry.event == "tagged"]
    told = [entry.detail for entry in entries if "traces" in entry.detail]
    assert sum(len(detail["traces"]) for detail in told) == moved
    assert {entry.actor for entry in entries} <= {"ann"}
    assert mixed.verify().ok


def test_a_tagged_send_without_key_that_comes_again_keeps_its_campaign(book: Ledger) -> None:
    record_without_key(book, "t")
    assert book.tag(campaign="easter", reason="x", untagged=True).keyless == 1
    record_without_key(book, "t")
    assert book.tag(campaign="easter", reason="x", untagged=True).keyless == 0
    assert {line.campaign: line.keyless for line in book.campaigns()} == {"easter": 1}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"campaign": "c", "reason": "x"}, EmptySelectionError),
        ({"campaign": " ", "reason": "x", "untagged": True}, InputError),
        ({"campaign": "c" * 300, "reason": "x", "untagged": True}, InputError),
        ({"campaign": "c", "reason": " ", "untagged": True}, InputError),
    ],
)
def test_tagging_needs_a_selection_a_campaign_and_a_reason(
    book: Ledger, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        book.tag(**arguments)
