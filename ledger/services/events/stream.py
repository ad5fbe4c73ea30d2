"""All Stream connections of a process: one for each app, begun and ended together, and told of in the database."""

import logging
from collections.abc import Callable, Collection, Iterator
from random import Random
from typing import Protocol

from ledger.clock import CLOCKS_DIFFER, Clock
from ledger.core.events.message_events import EventPush
from ledger.core.events.stream_state import GONE_AFTER, StreamState
from ledger.core.recalls.quota import month_of
from ledger.errors import DatabaseError
from ledger.services.events.budget import PushBudget
from ledger.services.events.listener import Connection, StreamListener
from ledger.store.database import Database
from ledger.store.events import streams
from ledger.store.events.message_events import forget_pushes

log = logging.getLogger(__name__)


class Dialer(Protocol):
    """Opens connections."""

    def connect(self, app: str) -> Connection:
        """Open one of an app."""


class EventStream:
    """Holds the connections of some apps from `start` to `stop`."""

    def __init__(
        self,
        database: Database,
        dialer: Dialer,
        keep: Callable[[EventPush], bool],
        clock: Clock,
        *,
        apps: Collection[str],
        monthly_events: int,
        owner: str,
    ) -> None:
        self._database, self._clock, self._owner = database, clock, owner
        self._budget = PushBudget(database, clock, monthly_events)
        self._listeners = [
            StreamListener(app, dialer.connect, keep, self._budget, clock, Random())  # noqa: S311 - spreads waits
            for app in apps
        ]

    @property
    def states(self) -> Iterator[StreamState]:
        """How the connections of this process stand."""
        yield from (listener.state for listener in self._listeners)

    def start(self) -> None:
        """Begin to listen; nothing is waited for."""
        for listener in self._listeners:
            listener.start()

    def look(self) -> None:
        """See how many pushes others have used, and say how the connections stand; raise DatabaseError."""
        self._budget.look()
        for listener in self._listeners:
            listener.wake()
        now = self._clock.now()
        with self._database.write() as connection:
            streams.say(connection, self._owner, list(self.states), now)
            streams.forget(connection, now - GONE_AFTER)
            forget_pushes(connection, month_of(now - CLOCKS_DIFFER))

    def stop(self) -> None:
        """End all connections."""
        for listener in self._listeners:
            listener.stop()
        try:
            with self._database.write() as connection:
                streams.leave(connection, self._owner)
        except DatabaseError as error:
            log.debug("nobody was told that the connections ended: %s", error)
