"""Did you mean: near names for the parts of a selection that name what there is nothing of."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain

from sqlalchemy import Connection

from ledger.core.bounds import EVERYTHING, Bounds
from ledger.core.campaign_patterns import is_pattern, matches
from ledger.core.near_names import MOST_KNOWN, NearNames, near
from ledger.core.selection import Selection
from ledger.store import known_names
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


def _near(connection: Connection, selection: Selection) -> Iterator[NearNames]:
    robots = [selection.robot] if selection.robot is not None else []
    asked: list[tuple[str, Sequence[str], Callable[[Connection, Bounds, int], list[str]]]] = [
        ("campaign", sorted(selection.campaigns), known_names.known_campaigns),
        ("robot", robots, known_names.known_robots),
        ("user", sorted(selection.users), known_names.known_users),
    ]
    for kind, names, known in asked:
        there = known(connection, selection.bounds, MOST_KNOWN) if names else []
        for name in [one for one in names if one not in there][:MOST_ASKED]:
            found = near(name, there)
            if found or (kind != "user" and len(there) < MOST_KNOWN):
                yield NearNames(kind=kind, asked=name, names=found)
