"""What is still being sent of a recalled campaign is stopped, by whoever may, until somebody lets it go on."""

import pytest
from sqlalchemy import select

from ledger import Ledger
from ledger.core.access.bounds import Bounds
from ledger.core.recording.message import RobotCode
from ledger.errors import ForbiddenError, InputError
from ledger.services.recording.sending_stops import KnownStops
from ledger.store.database import Database
from ledger.store.schema import history
from tests.outages import away


def events(database: Database) -> list[tuple[str, str, object]]:
    with database.read() as connection:
        rows = connection.execute(select(history.c.event, history.c.actor, history.c.detail).order_by(history.c.id))
        return [(row.event, row.actor, row.detail["campaign"]) for row in rows]


def test_who_stopped_it_and_who_let_it_go_on_is_in_the_history_once(book: Ledger, database: Database) -> None:
    stops = book.parts.sending_stops
    for _ in range(2):
        stops.stop(["spring", "autumn"], actor="ann", recall_id=7)
    assert [(one.campaign, one.stopped_by, one.recall_id) for one in stops.listed()] == [
        ("autumn", "ann", 7),
        ("spring", "ann", 7),
    ]
    stops.allow("spring", actor="bob")
    with pytest.raises(InputError, match="nothing of 'spring' is stopped"):
        stops.allow("spring", actor="bob")
    assert events(database) == [
        ("sending_stopped", "ann", "autumn"),
        ("sending_stopped", "ann", "spring"),
        ("sending_allowed", "bob", "spring"),
    ]
    assert book.parts.audit_verifier.run_once().ok


def test_a_campaign_of_which_nothing_was_sent_yet_is_shown_as_stopped(book: Ledger) -> None:
    book.parts.sending_stops.stop(["spring"], actor="ann")
    (line,) = book.campaigns()
    assert (line.campaign, line.messages, line.sending_stopped_by) == ("spring", 0, "ann")


def test_nothing_is_stopped_without_a_name_or_beyond_somebodys_bounds(book: Ledger) -> None:
    stops = book.parts.sending_stops
    with pytest.raises(InputError, match="by campaign"):
        stops.stop([], actor="ann")
    with pytest.raises(ForbiddenError):
        stops.stop(["spring"], actor="ann", bounds=Bounds(robots=frozenset({RobotCode("robot-1")})))
    bounds = Bounds(campaigns=frozenset({"hr-*"}))
    with pytest.raises(ForbiddenError):
        stops.stop(["hr-news", "spring"], actor="ann", bounds=bounds)
    assert stops.listed() == []
    stops.stop(["hr-news"], actor="ann", bounds=bounds)
    stops.stop(["spring"], actor="ann")
    with pytest.raises(ForbiddenError):
        stops.allow("spring", actor="ann", bounds=bounds)


def test_while_the_database_is_away_what_was_known_holds(book: Ledger, database: Database) -> None:
    book.parts.sending_stops.stop(["spring"], actor="ann")
    known = KnownStops(database)
    known.look()
    with away(book):
        known.look()
    assert known.hold("spring")
    assert not known.hold("summer")


def test_a_ledger_that_was_never_upgraded_stops_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'ledger.sqlite'}")
    known = KnownStops(database)
    known.wait()
    assert not known.hold("spring")
    known.close()
    database.close()
