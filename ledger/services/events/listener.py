"""One app's Stream connection: held, read, answered within the time, and had again when it ends."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import Protocol

from ledger.clock import Clock, format_time
from ledger.core.events.message_events import EventPush, event_of, kind_of
from ledger.core.events.stream_frames import (
    CALLBACK,
    DISCONNECT,
    EVENT,
    PING,
    SYSTEM,
    EventStatus,
    Frame,
    answer_to_event,
    answer_to_ping,
    answer_to_stranger,
    read_frame,
)
from ledger.core.events.stream_state import FIXED_LOOK_SECONDS, GOOD_AFTER, OVER_QUOTA_LOOK, StreamStanding, StreamState
from ledger.core.json_value import printable
from ledger.core.recalls.quota import bounds_of
from ledger.core.recalls.settle import backoff
from ledger.errors import DatabaseError, LedgerError, PausedError, SettingsError
from ledger.services.events.budget import PushBudget

LOOK_AGAIN_SECONDS = 5.0

log = logging.getLogger(__name__)


class Connection(Protocol):
    """An open connection."""

    def frames(self) -> Iterator[str | bytes]:
        """Yield what comes, until it ends."""

    def send(self, text: str) -> bool:
        """Send an answer."""

    def close(self) -> None:
        """End it."""


class StreamListener:
    """Owns one thread. `connect` opens a connection of the app, `keep` returns once a push is on disk, or cannot be."""

    def __init__(
        self,
        app: str,
        connect: Callable[[str], Connection],
        keep: Callable[[EventPush], bool],
        budget: PushBudget,
        clock: Clock,
        random: Random,
    ) -> None:
        self._app, self._connect, self._keep, self._budget = app, connect, keep, budget
        self._clock, self._random = clock, random
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._connection: Connection | None = None
        self._closed_until: datetime | None = None
        self._failures = 0
        self.state = StreamState(app=app, standing=StreamStanding.AWAY, since=clock.now(), error="not tried yet")
        self._thread = threading.Thread(target=self._run, name=f"ledger-stream-{app}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look again at once, if it waits; let go of the connection when no pushes are left."""
        self._wake.set()
        if (connection := self._connection) is not None and not self._budget.is_left:
            connection.close()

    def stop(self) -> None:
        """End the connection, and return once the thread has ended."""
        self._stopping.set()
        self._wake.set()
        if (connection := self._connection) is not None:
            connection.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            seconds = self._once()
            if seconds > 0:
                self._wake.wait(seconds)
            self._wake.clear()

    def _once(self) -> float:
        """Hold one connection until it ends, if any may be had; return how long to wait before the next one."""
        if (seconds := self._wait_for_pushes()) is not None:
            return seconds
        try:
            connection = self._connect(self._app)
        except (PausedError, SettingsError) as error:
            self._say(StreamStanding.REFUSED, str(error))
            return FIXED_LOOK_SECONDS
        except LedgerError as error:
            return self._failed(str(error))
        except Exception as error:
            log.exception("unexpected: the events of app %s cannot be listened to", self._app)
            return self._failed(f"{type(error).__name__}: {error}")
        return self._hold(connection)

    def _wait_for_pushes(self) -> float | None:
        """Return for how long no connection may be had; None when one may."""
        try:
            self._budget.look()
        except DatabaseError as error:
            if not self._budget.is_known:
                self._say(StreamStanding.AWAY, f"nobody knows how many pushes are used: {error}")
                return LOOK_AGAIN_SECONDS
        now = self._clock.now()
        if self._closed_until is not None and now < self._closed_until:
            return (self._closed_until - now).total_seconds()
        self._closed_until = None
        if self._budget.is_left:
            return None
        _, following = bounds_of(now)
        why = f"the {self._budget.limit:,} pushes of the month that may be used are, until {format_time(following)}"
        self._say(StreamStanding.USED_UP, why)
        return min((following - now).total_seconds(), FIXED_LOOK_SECONDS)

    def _hold(self, connection: Connection) -> float:
        begun = self._clock.now()
        self._connection = connection
        try:
            if self._stopping.is_set():
                return 0
            self._say(StreamStanding.CONNECTED, None)
            was_told_to_go = self._read(connection)
        finally:
            self._connection = None
            connection.close()
        if was_told_to_go or self._stopping.is_set() or not self._budget.is_left:
            self._failures = 0
            return 0
        if self._clock.now() - begun >= GOOD_AFTER:
            self._failures = 0
        return self._failed("the connection ended")

    def _read(self, connection: Connection) -> bool:
        """Take what comes; say whether it ended since it was told to, or since no more may come."""
        for raw in connection.frames():
            try:
                goes_on = self._take(connection, raw)
            except Exception:  # whatever is wrong with one push: the others have to be heard
                log.exception("unexpected: a push of app %s could not be read", self._app)
                goes_on = True
            if not goes_on:
                return True
        return False

    def _take(self, connection: Connection, raw: str | bytes) -> bool:
        frame = read_frame(raw)
        if frame is None:
            log.debug("app %s: what was pushed is no frame: %s", self._app, printable(str(raw[:200])))
        elif frame.type == EVENT:
            return self._take_event(connection, frame)
        elif frame.type == SYSTEM and frame.topic == DISCONNECT:
            return False
        elif frame.type == SYSTEM and frame.topic == PING:
            connection.send(answer_to_ping(frame))
        elif frame.type == CALLBACK:
            connection.send(answer_to_stranger(frame))
        return True

    def _take_event(self, connection: Connection, frame: Frame) -> bool:
        if frame.is_over_quota:
            connection.send(answer_to_event(frame, EventStatus.SUCCESS))
            self._closed_until = self._clock.now() + OVER_QUOTA_LOOK
            self._say(StreamStanding.USED_UP, "DingTalk says that the organisation's pushes of the month are used up")
            return False
        push = EventPush(
            app=self._app,
            at=self._clock.now(),
            source=self._budget.source,
            number=self._budget.number(self._app),
            event=event_of(frame.headers, frame.data),
        )
        if push.event is None and kind_of(frame.headers, frame.data) is not None:
            log.warning("app %s: an event of a message names none, and is left out", self._app)
        is_kept = self._keep(push)
        connection.send(answer_to_event(frame, EventStatus.SUCCESS if is_kept else EventStatus.LATER))
        if not is_kept:
            log.error("app %s: an event is nowhere on disk, and is wanted again", self._app)
        return self._budget.is_left

    def _failed(self, why: str) -> float:
        """Note that there is no connection; return how long to leave it alone."""
        self._failures += 1
        self._say(StreamStanding.AWAY, why)
        return backoff(self._failures, self._random.random()).total_seconds()

    def _say(self, standing: StreamStanding, error: str | None) -> None:
        """Tell of what is new: how the connection stands is said once, however often it is tried."""
        if (standing, error) == (self.state.standing, self.state.error):
            return
        self.state = StreamState(app=self._app, standing=standing, since=self._clock.now(), error=error)
        if error is None:
            log.info("listening to the events of app %s", self._app)
        else:
            log.warning("no events of app %s: %s", self._app, error)
