"""Who works at the ledger, as pages list it: whoever has ended is not listed, where that is known."""

from datetime import timedelta

from sqlalchemy import insert

from ledger import Ledger
from ledger.clock import FakeClock
from ledger.services.recalls.pacing.leases import own_name
from ledger.store.schema import chores


def test_a_worker_of_this_machine_that_has_ended_is_not_listed(book: Ledger, clock: FakeClock) -> None:
    ours = own_name()
    place, _, rest = ours.partition("#")
    # No process has so high a number.
    ended = f"{place}#{2**22 + 1}#{rest.partition('#')[2]}"
    owners = {"heartbeat": ours, "purge": ended, "people": "elsewhere/boot#7#lot"}
    with book.parts.database.write() as connection:
        for name, owner in owners.items():
            row = {"name": name, "owner": owner, "lease_until": clock.now(), "done_at": clock.now()}
            connection.execute(insert(chores).values(row))
    listed = {(one.machine, one.process) for one in book.parts.upkeep_reports.read().workers}
    assert listed == {(place.partition("/")[0], rest.partition("#")[0]), ("elsewhere", "7")}
    clock.advance(timedelta(minutes=11))
    assert book.parts.upkeep_reports.read().workers == []
