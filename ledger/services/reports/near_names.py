"""Did you mean: near names for the parts of a selection that name what there is nothing of."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.campaigns.campaign_patterns import is_pattern, matches
from ledger.core.near_names import MOST_KNOWN, NearNames, near
from ledger.core.recalls.selection import Selection
from ledger.store.campaigns import known_names
from ledger.store.database import Database

# Of so many names that were asked for, near ones are looked for.
MOST_ASKED = 20


class NameFinder:
    """Finds near names; those that somebody may not see are none."""

    def __init__(self, database: Database, catch_up: Callable[[], None]) -> None:
        self._database, self._catch_up = database, catch_up

    def near(self, selection: Selection) -> Sequence[NearNames]:
        """Return for each campaign, robot and user that is asked for and that there is not which names are near.

        Nobody knows all users: of one that is not among those of late, near ones are named, or nothing is said. To be
        asked once something was not found: it looks at many names.
        """
        with self._database.read() as connection:
            return list(_near(connection, selection))

    def near_in_history(self, selection: Selection, actor: str | None = None) -> Sequence[NearNames]:
        """Do the same for what the history is asked for, with who recalled it."""
        with self._database.read() as connection:
            found = list(_near(connection, selection, _IN_HISTORY))
            if actor is not None:
                there = known_names.known_actors(connection, MOST_KNOWN)
                found += [NearNames(kind="actor", asked=actor, names=near(actor, there))] if actor not in there else []
        return found

    def meant(self, typed: Collection[str], bounds: Bounds = EVERYTHING) -> list[str]:
        """Return the campaigns that somebody typed, a beginning with a star as all that begin so and may be seen.

        What waits in the spool may be of one of them.
        """
        known: Sequence[str] = ()
        if any(map(is_pattern, typed)):
            self._catch_up()
            with self._database.read() as connection:
                known = known_names.known_campaigns(connection, bounds, MOST_KNOWN)
        return list(dict.fromkeys(chain.from_iterable(matches(one, known) for one in typed)))


_Known = Mapping[str, Callable[[Connection, Bounds, int], list[str]]]
_RECORDED: _Known = {
    "campaign": known_names.known_campaigns,
    "robot": known_names.known_robots,
    "user": known_names.known_users,
}
_IN_HISTORY: _Known = {
    "campaign": known_names.ended_campaigns,
    "robot": known_names.ended_robots,
    "user": known_names.ended_users,
}


def _near(connection: Connection, selection: Selection, known: _Known = _RECORDED) -> Iterator[NearNames]:
    robots = [selection.robot] if selection.robot is not None else []
    asked = (("campaign", sorted(selection.campaigns)), ("robot", robots), ("user", sorted(selection.users)))
    for kind, names in asked:
        there = known[kind](connection, selection.bounds, MOST_KNOWN) if names else []
        for name in [one for one in names if one not in there][:MOST_ASKED]:
            found = near(name, there)
            if found or (kind != "user" and len(there) < MOST_KNOWN):
                yield NearNames(kind=kind, asked=name, names=found)
