"""One process of the ledger: it can be killed at any commit and any call, and then does nothing more, ever."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from sqlalchemy.exc import OperationalError

from ledger import Ledger, Settings
from ledger.services.notices.notifier import Notifier
from ledger.services.recalls.pacing import leases
from ledger.simulator import World
from tests.world.databases import Tapped
from tests.world.executor import TimelineExecutor
from tests.world.line import Line, Weather
from tests.world.messenger import PLACES, Messenger
from tests.world.timeline import Killed, Timeline

# No machine has a process of such a number.
NOBODYS_PID = 2**30
# Over a thread that wakes later than this, the slot is lost; a call may still be that late.
OVERSLEPT_SECONDS = (0.0, 0.0, 0.001, 0.02, 0.2)


@dataclass(slots=True, kw_only=True)
class Trouble:
    """How often the database is away, and how slow it is, for all processes of a day."""

    away: float = 0.0
    slow_seconds: float = 0.0


class Process:
    """A ledger on the timeline, with its own connections, executor and line."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        timeline: Timeline,
        world: World,
        weather: Weather,
        trouble: Trouble,
        random: Random,
        say: Callable[[str], None],
        tapped: Tapped,
        heard: Counter[tuple[str, str]],
    ) -> None:
        self.name, self.is_dead = name, False
        self._timeline, self._trouble, self._random, self._say = timeline, trouble, random, say
        self._boundaries_left: int | None = None
        line = Line(
            world,
            timeline,
            weather,
            self,
            name=name,
            timeout_seconds=settings.http_timeout_seconds,
            random=random,
            boundary=self.boundary,
        )
        executor = TimelineExecutor(timeline, self, name)
        self.ledger = Ledger(settings, clock=_Clock(self, timeline, random), executor=executor, transport=line)
        # Building the services looks at the tables under a lock: it happens before anything can go wrong.
        self.ledger.parts.database = tapped.database
        self.ledger.parts.lifecycle._runner._settler._random = random
        self.ledger.parts.sender._settler._random = random
        # So that also small recalls are copied in several parts, between which something can go wrong.
        self.ledger.parts.freezer._rows = 20
        # Its thread lives on real time; here whoever takes in is a task like any other.
        self.ledger.parts.recorder.writer.start = lambda: None  # type: ignore[method-assign]
        parts = self.ledger.parts
        parts.notifier = Notifier(
            tapped.database,
            parts.clock,
            settings,
            parts.recall_reports,
            parts.people,
            parts.correction_reports,
            parts.recorder.depth,
            {place: Messenger(place, self, timeline, weather, random, heard) for place in PLACES},
        )
        tapped.listener = self

    def kill_after(self, boundaries: int) -> None:
        """Die at the n-th boundary from now."""
        self._boundaries_left = boundaries

    def boundary(self, where: str) -> None:
        """Mark a place at which the process may be killed."""
        if self.is_dead:
            raise Killed
        if self._boundaries_left is None:
            return
        self._boundaries_left -= 1
        if self._boundaries_left <= 0:
            self._say(f"{self.name} is killed {where}")
            self.is_dead = True
            self._timeline.wake_all_of(self)
            raise Killed

    def seal(self) -> None:
        """Give the files up that it holds: what a process does by and by, and the system when it dies."""
        self.ledger.parts.recorder._journal.close()

    def disarm(self) -> None:
        """Let it live."""
        self._boundaries_left = None

    def before_transaction(self) -> None:
        """Be slow, or find the database away."""
        self.boundary("before a transaction")
        self._dawdle()
        if self._is_away():
            self._say(f"{self.name} cannot reach the database")
            raise OperationalError("BEGIN", None, Exception("the database is away"))

    def before_commit(self) -> bool:
        """Say whether the connection breaks now."""
        self.boundary("before a commit")
        return self._breaks("before")

    def after_commit(self) -> bool:
        """Say whether the connection breaks now."""
        self._dawdle()
        self.boundary("after a commit")
        return self._breaks("after")

    def _dawdle(self) -> None:
        if self._trouble.slow_seconds:
            self._timeline.sleep(self._random.uniform(0, self._trouble.slow_seconds))

    def _breaks(self, when: str) -> bool:
        if not self._is_away():
            return False
        self._say(f"{self.name} loses the database {when} a commit")
        return True

    def _is_away(self) -> bool:
        return self._trouble.away > 0 and self._random.random() < self._trouble.away


class _Clock:
    """The wall of the timeline as one process sees it; it wakes a little late at times."""

    def __init__(self, process: Process, timeline: Timeline, random: Random) -> None:
        self._process, self._timeline, self._random = process, timeline, random

    def now(self) -> datetime:
        if self._process.is_dead:
            raise Killed
        return self._timeline.wall.now()

    def monotonic(self) -> float:
        return self._timeline.elapsed / 1e6

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._timeline.sleep(seconds + self._random.choice(OVERSLEPT_SECONDS))


def name_of_the_dead(number: int) -> str:
    """Return a name of an owner on this machine that is surely gone."""
    return f"{leases.MACHINE}#{NOBODYS_PID + number}#{os.getpid()}"
