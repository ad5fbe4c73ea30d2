"""Near names of what somebody asked for in vain, of what they may see."""

from datetime import timedelta

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.core.access.bounds import Bounds
from ledger.core.near_names import NearNames
from ledger.core.recalls.selection import select
from ledger.core.recording.message import RobotCode
from ledger.simulator import World
from tests.sending import send


def near(kind: str, asked: str, *names: str) -> NearNames:
    return NearNames(kind=kind, asked=asked, names=names)


def test_each_name_that_there_is_not_has_its_near_ones_and_those_that_there_are_none(
    book: Ledger, world: World
) -> None:
    send(book, world, 1, campaign="spring-promo", robot="robot-one", users=["zhang.san", "li.si"])
    selection = select(campaign=["sprng-promo", "spring-promo", "x"], robot="robot-two", users=["lisi", "wang"])
    assert book.parts.names.near(selection) == [
        near("campaign", "sprng-promo", "spring-promo"),
        near("campaign", "x"),
        near("robot", "robot-two", "robot-one"),
        near("user", "lisi", "li.si"),
    ]
    known = select(campaign="spring-promo", robot="robot-one", users=["li.si"])
    assert book.parts.names.near(known) == []


def test_what_is_out_of_bounds_is_no_near_name(book: Ledger, world: World) -> None:
    send(book, world, 1, campaign="spring-promo", robot="theirs", users=["zhang.san"])
    send(book, world, 1, campaign="spring-party", robot="ours", users=["zhang.si"])
    bounds = Bounds(robots=frozenset({RobotCode("ours")}), campaigns=frozenset({"spring*"}))
    selection = select(campaign="spring-part", users=["zhang.s"], within=bounds)
    assert book.parts.names.near(selection) == [
        near("campaign", "spring-part", "spring-party"),
        near("user", "zhang.s", "zhang.si"),
    ]


def test_the_history_leads_to_names_that_it_knows_although_their_messages_are_gone(
    book: Ledger, world: World, clock: FakeClock
) -> None:
    send(book, world, 2, campaign="spring-promo", users=["zhang.san"], robot="robot-1")
    send(book, world, 1, campaign="autumn", users=["li.si"])
    book.run(book.plan(campaign="spring-promo", reason="wrong link", actor="wang.wu"))
    clock.advance(timedelta(hours=25))
    book.parts.purger.run_once()
    asked = select(campaign="spring-pormo", users=["zhangsan"], robot="robot-2")
    found = {one.kind: one.names for one in book.parts.names.near_in_history(asked, "wangwu")}
    assert found == {
        "campaign": ("spring-promo",),
        "robot": ("robot-1",),
        "user": ("zhang.san",),
        "actor": ("wang.wu",),
    }
    assert book.parts.names.near_in_history(select(campaign="spring-promo", users=["zhang.san"]), "wang.wu") == []
    # What was never recalled is no name of the history.
    (unknown,) = book.parts.names.near_in_history(select(campaign="autumm"))
    assert unknown.names == ()
