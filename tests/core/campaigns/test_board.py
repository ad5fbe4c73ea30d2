"""Looking for campaigns on the board: by parts of names, by who sent them, by how little time is left."""

from dataclasses import replace
from datetime import timedelta

from ledger.core.campaigns.board import BoardSearch, Order, is_open
from ledger.core.campaigns.campaign import CampaignLine, CampaignSender, no_messages
from tests.core.values import NOW


def line(name: str | None, minutes: int, messages: int = 1, people: int | None = 1) -> CampaignLine:
    deadline = NOW + timedelta(minutes=minutes)
    return replace(
        no_messages(name), recallable=messages, messages=messages, people=people,
        first_deadline=deadline, last_deadline=deadline,
    )  # fmt: skip


LINES = [
    line("Spring", 90, 5, 50),
    line("summer", 30, 9, None),
    line(None, 5, 1, 7),
    replace(no_messages("lost"), keyless=2),
]
SENDERS = [
    CampaignSender(campaign="Spring", robot_code="Robot-1", source="hr-mailer"),
    CampaignSender(campaign="Spring", robot_code="robot-2", source=None),
    CampaignSender(campaign="summer", robot_code="robot-2", source="HR-portal"),
]


def names(**search: object) -> list[str | None]:
    return [one.campaign for one in BoardSearch(**search).arrange(LINES, SENDERS, NOW)]  # type: ignore[arg-type]


def test_what_has_least_time_left_comes_first_and_what_has_no_deadline_last() -> None:
    assert names() == [None, "summer", "Spring", "lost"]


def test_there_are_other_orders() -> None:
    assert names(order=Order.MESSAGES)[:2] == ["summer", "Spring"]
    assert names(order=Order.PEOPLE)[:2] == ["Spring", None]
    assert names(order=Order.NAME) == [None, "lost", "Spring", "summer"]


def test_a_part_of_a_name_finds_it_in_any_case() -> None:
    assert names(name="SPR") == ["Spring"]
    assert names(name="m") == ["summer"]
    assert names(name="nothing") == []


def test_who_sent_it_narrows_and_both_must_be_of_one_sender() -> None:
    assert names(robot="robot-2") == ["summer", "Spring"]
    assert names(source="hr") == ["summer", "Spring"]
    assert names(robot="robot-2", source="hr") == ["summer"]


def test_what_closes_within_the_hour_can_be_had_alone() -> None:
    assert names(is_closing=True) == [None, "summer"]
    assert names(is_closing=True, name="s") == ["summer"]


def test_lost_keys_leave_a_campaign_open_although_nothing_of_it_can_be_recalled() -> None:
    assert [is_open(one) for one in LINES] == [True, True, True, True]
    assert not is_open(no_messages("over"))
