"""Stopping what is still being sent of a campaign that is being recalled, until somebody lets it go on.

Who lets sends pass, the gateway and clients that were watched for it, knows the names within a second, and goes by the
last ones that it knew while the database is away.
"""

import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from ledger.clock import Clock, format_time
from ledger.core.access.actors import check_actor
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.limits import check_text
from ledger.errors import ForbiddenError, InputError, LedgerError
from ledger.store.audit import history
from ledger.store.campaigns import sending_stops
from ledger.store.campaigns.sending_stops import SendingStop
from ledger.store.database import Database

LOOK_SECONDS = 1.0
# For the first look somebody waits, and not for long: a send is not held up by a database that does not answer.
FIRST_LOOK_SECONDS = 2.0


class SendingStops:
    """Stops campaigns and lets them go on; the history says who did."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def stop(
        self, campaigns: Collection[str], *, actor: str, bounds: Bounds = EVERYTHING, recall_id: int | None = None
    ) -> None:
        """Let nothing more of some campaigns be sent; raise InputError without any, ForbiddenError beyond bounds."""
        if not campaigns:
            raise InputError("what is sent is stopped by campaign: name the campaigns with --campaign")
        now, who = self._clock.now(), check_actor(actor)
        for name in campaigns:
            _check(check_text("the campaign", name), bounds)
        stops = [
            SendingStop(campaign=name, stopped_by=who, stopped_at=now, recall_id=recall_id)
            for name in sorted(campaigns)
        ]
        with self._database.write() as connection:
            new = [stop for stop in stops if sending_stops.add(connection, stop)]
            entries = [
                _entry(now, "sending_stopped", who, _detail(stop.campaign, recall_id) | {"since": format_time(now)})
                for stop in new
            ]
            history.append(connection, entries)

    def allow(self, campaign: str, *, actor: str, bounds: Bounds = EVERYTHING) -> None:
        """Let a campaign be sent again; raise InputError when it was not stopped, ForbiddenError beyond bounds."""
        who = check_actor(actor)
        _check(check_text("the campaign", campaign), bounds)
        with self._database.write() as connection:
            if not sending_stops.drop(connection, campaign):
                raise InputError(f"nothing of {campaign!r} is stopped: `ledger allow` alone lists what is")
            history.append(connection, [_entry(self._clock.now(), "sending_allowed", who, _detail(campaign, None))])

    def stopped_by(self, campaign: str) -> str | None:
        """Return who stopped a campaign; None when it is sent."""
        with self._database.read() as connection:
            return sending_stops.stopped_by(connection, campaign)

    def listed(self) -> list[SendingStop]:
        """Return what is stopped."""
        with self._database.read() as connection:
            return sending_stops.listed(connection)


def _detail(campaign: str, recall_id: int | None) -> dict[str, Any]:
    return {"campaign": campaign, "recall_id": recall_id}


def _entry(at: datetime, event: str, actor: str, detail: Mapping[str, Any]) -> history.Entry:
    return history.Entry(at=at, event=event, actor=actor, recall_id=None, detail=detail)


class KnownStops:
    """The names of what is stopped, for who asks before every send: a thread looks, who asks does not wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: frozenset[str] = frozenset()
        self._looked, self._closing, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def hold(self, campaign: str) -> bool:
        """Say whether nothing more of a campaign is to be sent, as far as is known."""
        return campaign in self._names

    def wait(self) -> None:
        """Begin to look, and return once that was done for the first time, or takes too long."""
        self.look_out()
        if not self._looked.is_set():
            self._looked.wait(FIRST_LOOK_SECONDS)
            self._looked.set()

    def look_out(self) -> None:
        """Begin to look, if nobody has."""
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._closing.is_set():
                    self._thread = threading.Thread(target=self._run, name="ledger-stops", daemon=True)
                    self._thread.start()

    def look(self) -> None:
        """Look once; what cannot be asked leaves what was known."""
        with suppress(LedgerError), self._database.read() as connection:
            self._names = sending_stops.names(connection)
        self._looked.set()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self.look()
            self._closing.wait(LOOK_SECONDS)


def _check(campaign: str, bounds: Bounds) -> None:
    """Raise ForbiddenError unless all of a campaign is within bounds: a stop knows no robots."""
    if bounds.robots or not bounds.hold_campaign(campaign):
        raise ForbiddenError(f"this token may not stop what is sent of {campaign!r}, nor let it be sent again")
