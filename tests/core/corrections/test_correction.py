"""Who gets a correction, in which calls, under which campaign: pure rules over what a recall took back."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.corrections.correction import (
    PEOPLE_PER_CALL,
    Addressed,
    TakenBack,
    WhyNot,
    address,
    campaign_of,
    confirmation_of_correction,
    halves,
)
from ledger.core.limits import NAME_MAX_CHARACTERS
from ledger.core.recalls.quota import Quota
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import AppName

ENOUGH = Quota(limit=5000, used=0, after=4000, reserve=0)


def message(
    *people: str,
    outcome: Outcome | None = Outcome.RECALLED,
    robot: str = "robot-1",
    app: str = "default",
    undelivered: Mapping[str, Sequence[str]] | None = None,
) -> TakenBack:
    return TakenBack(
        app=AppName(app), robot_code=robot, outcome=outcome, recipients=people, undelivered=undelivered or {}
    )


def people(addressed: Addressed) -> list[str]:
    return [user for batch in addressed.batches for user in batch.people]


@pytest.mark.parametrize(
    ("messages", "gets_it", "left_out"),
    [
        ([message("ann")], ["ann"], {}),
        ([message("ann"), message("ann")], ["ann"], {}),
        ([message("ann", outcome=Outcome.REFUSED)], [], {"ann": WhyNot.STILL_HAVE}),
        ([message("ann", outcome=Outcome.EXPIRED)], [], {"ann": WhyNot.STILL_HAVE}),
        ([message("ann", outcome=Outcome.CANCELLED)], [], {"ann": WhyNot.STILL_HAVE}),
        ([message("ann", outcome=None)], [], {"ann": WhyNot.STILL_HAVE}),
        ([message("ann", outcome=Outcome.UNKNOWN)], [], {"ann": WhyNot.UNKNOWN}),
        ([message("ann", outcome=Outcome.PARTIAL)], [], {"ann": WhyNot.UNKNOWN}),
        ([message("ann"), message("ann", outcome=Outcome.REFUSED)], [], {"ann": WhyNot.STILL_HAVE}),
        ([message("ann", outcome=Outcome.UNKNOWN), message("ann")], [], {"ann": WhyNot.UNKNOWN}),
        ([message("ann", undelivered={"invalid": ["bob"]})], ["ann"], {"bob": WhyNot.NEVER_REACHED}),
        ([message(undelivered={"invalid": ["ann"]}), message("ann")], ["ann"], {}),
        ([message("erased-0123456789ab")], [], {"erased-0123456789ab": WhyNot.ERASED}),
    ],
)
def test_who_lost_everything_gets_it_and_everybody_else_has_one_reason(
    messages: list[TakenBack], gets_it: list[str], left_out: dict[str, WhyNot]
) -> None:
    addressed = address(messages, {})
    assert (people(addressed), dict(addressed.left_out)) == (gets_it, left_out)


def test_who_was_written_to_before_is_left_out_unless_something_says_more() -> None:
    before = {"ann": WhyNot.CORRECTED, "bob": WhyNot.MAYBE_CORRECTED, "cid": WhyNot.CORRECTED}
    addressed = address([message("ann", "bob"), message("cid", outcome=Outcome.REFUSED)], before)
    assert addressed.people == 0
    assert addressed.counts() == {"still_have": 1, "corrected": 1, "maybe_corrected": 1}


def test_each_is_written_to_by_the_robot_that_wrote_to_them_in_calls_of_twenty() -> None:
    others = [f"b{number:02}" for number in range(21)]
    addressed = address([message("ann", robot="robot-2"), message(*others), message("ann", robot="robot-3")], {})
    calls = [(batch.robot_code, len(batch.people)) for batch in addressed.batches]
    assert calls == [("robot-1", 20), ("robot-1", 1), ("robot-2", 1)]


@given(
    st.lists(st.tuples(st.sampled_from(["r1", "r2"]), st.lists(st.integers(0, 60).map(str), max_size=30)), max_size=8)
)
def test_nobody_is_in_two_calls_and_no_call_is_too_large(sent: list[tuple[str, list[str]]]) -> None:
    addressed = address([message(*users, robot=robot) for robot, users in sent], {})
    everybody = people(addressed)
    assert sorted(everybody) == sorted({user for _, users in sent for user in users})
    assert all(0 < len(batch.people) <= PEOPLE_PER_CALL for batch in addressed.batches)


@pytest.mark.parametrize(("count", "sizes"), [(2, (1, 1)), (3, (2, 1)), (20, (10, 10))])
def test_a_call_that_somebody_spoils_is_cut_in_the_middle(count: int, sizes: tuple[int, int]) -> None:
    one, other = halves([str(number) for number in range(count)])
    assert (len(one), len(other)) == sizes
    assert [*one, *other] == [str(number) for number in range(count)]


def test_the_campaign_names_what_is_corrected_and_can_be_kept() -> None:
    assert campaign_of(7, {"campaign": "spring"}) == "correction of spring (recall 7)"
    assert campaign_of(7, {"users": ["ann"]}) == "correction of recall 7"
    long = campaign_of(7, {"campaign": "x" * NAME_MAX_CHARACTERS})
    assert len(long) <= NAME_MAX_CHARACTERS
    assert long.endswith(" (recall 7)")


@pytest.mark.parametrize(
    ("count", "quota", "typed"), [(1, ENOUGH, ()), (2, ENOUGH, ("2",)), (1, ENOUGH | {"after": -1}, ("1",))]
)
def test_the_number_of_people_is_typed_unless_it_is_one(count: int, quota: Quota, typed: tuple[str, ...]) -> None:
    assert confirmation_of_correction(count, quota).typed == typed
