"""Spot checks: what ended recalled is asked about once more; what is still there is disputed, loudly and for good."""

import pytest

from ledger import Ledger
from ledger.core.recalls.spot_check import SpotCheck
from ledger.errors import PermissionDeniedError
from ledger.simulator import Cut, ScriptedAnswer, World
from ledger.store.audit import history
from ledger.store.database import Database
from tests.sending import send

READ_STATUS = "/v1.0/robot/oToMessages/readStatus"


def check(book: Ledger, number: int, sample: int) -> SpotCheck:
    checker = book.parts.spot_checker
    return checker.run(number, checker.draw(number, sample), actor="li")


def recalled(book: Ledger, world: World, count: int = 4, conversation: str | None = None) -> tuple[int, list[str]]:
    keys = send(book, world, count, conversation=conversation)
    return book.run(book.plan(campaign="spring", reason="wrong link")).recall_id, keys


@pytest.mark.parametrize("conversation", [None, "cid-1"])
def test_what_is_gone_is_said_to_be_and_nothing_is_disputed(
    book: Ledger, world: World, conversation: str | None
) -> None:
    number, _ = recalled(book, world, conversation=conversation)
    assert book.parts.spot_checker.cost(number, 3) == 3
    assert check(book, number, 3) == SpotCheck(asked=3, gone=3, still_there=0)
    assert book.show(number).still_there == ()
    assert book.verify().ok


def test_what_is_still_there_is_disputed_and_stays_recalled(book: Ledger, world: World, database: Database) -> None:
    number, keys = recalled(book, world)
    world.change(still_there=keys[:1], misspelt_success=True)
    assert check(book, number, 100) == SpotCheck(asked=4, gone=3, still_there=1)
    report = book.show(number)
    assert [(one.process_query_key, one.status, one.actor) for one in report.still_there] == [
        (keys[0], "SUCCESS", "li")
    ]
    assert report.result.recalled == 4
    assert [entry["event"] for entry in report.timeline][-1] == "contradicted"
    assert report.to_json()["still_there"][0]["process_query_key"] == keys[0]
    assert book.verify().ok
    with database.read() as connection:
        told = [one.entry for one in history.read_all(connection) if one.entry.event == "spot_checked"]
    assert sum(entry.detail["asked"] for entry in told) == 4


def test_a_later_check_that_finds_it_gone_settles_that(book: Ledger, world: World) -> None:
    number, keys = recalled(book, world)
    world.change(still_there=keys)
    check(book, number, 4)
    assert len(book.show(number).still_there) == 4
    world.change(still_there=[])
    check(book, number, 4)
    assert book.show(number).still_there == ()


def test_what_passes_by_itself_is_asked_again_and_what_nobody_says_is_neither(book: Ledger, world: World) -> None:
    number, _ = recalled(book, world, 2)
    world.script(ScriptedAnswer(path=READ_STATUS, cut=Cut.BEFORE_WORK))
    assert check(book, number, 2) == SpotCheck(asked=2, gone=2, still_there=0)
    world.change(reads_leave_out=["sendStatus"])
    assert check(book, number, 2) == SpotCheck(asked=2, gone=0, still_there=0)


def test_without_permission_it_says_what_to_mend(book: Ledger, world: World) -> None:
    number, _ = recalled(book, world)
    world.change(permission_missing=True)
    with pytest.raises(PermissionDeniedError):
        check(book, number, 1)
