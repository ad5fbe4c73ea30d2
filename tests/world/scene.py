"""What all who take part in a day share: the world, the timeline, the processes, and a record of what was done."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select, text

from ledger import Ledger, Settings
from ledger.clock import format_time
from ledger.errors import LedgerError
from ledger.services.notices.notifier import HISTORY
from ledger.simulator import Behaviour, Chat, World
from ledger.store.notices import notices
from ledger.store.schema import history
from tests.world.databases import Makes
from tests.world.line import KINDS, Weather
from tests.world.process import Process, Trouble
from tests.world.timeline import Timeline

APPS = {
    "a": {"robots": ("robot-a1", "robot-a2"), "app_key": "key-a", "app_secret": "secret-of-app-a"},
    "b": {"robots": ("robot-b1",), "app_key": "key-b", "app_secret": "secret-of-app-b"},
}
ROBOTS = ("robot-a1", "robot-a2", "robot-b1")
KEY_OF_ROBOT = {"robot-a1": "key-a", "robot-a2": "key-a", "robot-b1": "key-b"}
WIRE_CHAT = {Chat.ONE_ON_ONE: "one_to_one", Chat.GROUP: "group", Chat.PRIVATE: "private"}
TIMEOUT_SECONDS = 3.0
SLOWEST_SECONDS = 0.1
LEASE_SECONDS = TIMEOUT_SECONDS + 20.0
CALM = Behaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message as its sender knows it."""

    key: str
    robot: str
    chat: Chat
    conversation: str | None
    campaign: str | None
    users: tuple[str, ...]
    sent_at: datetime
    expires_in: float | None = None

    def row(self) -> dict[str, Any]:
        """Return it as a row to record."""
        return {
            "processQueryKey": self.key,
            "robotCode": self.robot,
            "userIds": self.users,
            "sentAt": format_time(self.sent_at),
            "campaign": self.campaign,
            "openConversationId": self.conversation,
            "chat": WIRE_CHAT[self.chat],
            "expiresIn": self.expires_in,
        }


@dataclass(slots=True, kw_only=True)
class Journal:
    """What happened, step by step; `aloud` prints it at once."""

    now: Callable[[], datetime]
    aloud: bool = False
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Write a line."""
        line = f"{self.now():%d %H:%M:%S.%f}  {text}"
        self.lines.append(line)
        if self.aloud:
            print(line)  # noqa: T201


class Scene:
    """The stage of one day."""

    def __init__(self, seed: int, databases: Makes, *, aloud: bool = False) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311
        start = datetime.fromisoformat("2026-03-02T00:00:00+00:00")
        start += timedelta(days=self.random.choice([0, 3, 11, 28]), minutes=self.random.randrange(1440))
        self.timeline = Timeline(start, Random(self.random.random()))  # noqa: S311
        self.journal = Journal(now=self.timeline.wall.now, aloud=aloud)
        self.weather, self.trouble = Weather(), Trouble()
        self._spool = TemporaryDirectory(prefix="ledger-day-")
        self.settings = self._settings(databases.url)
        apps = {str(app["app_key"]): str(app["app_secret"]) for app in APPS.values()}
        self.world = World(self.timeline.wall.now, apps=apps, robots=ROBOTS, seed=seed, journal_size=None)
        self.world.change(calls_per_second=int(self.settings.calls_per_second))
        self._databases, self.database = databases, databases.open().database
        self.processes: list[Process] = []
        self.recorded: dict[str, Sent] = {}
        self.unrecorded: list[Sent] = []
        self.planned: dict[int, int] = {}
        self.forgotten: set[str] = set()
        self.heard: Counter[tuple[str, str]] = Counter()
        self.kills = 0
        self._made = 0

    def set_the_scene(self) -> None:
        """Decide what kind of day it is, and start the processes."""
        with self.database.write() as connection:
            # Somebody has listened since before the first recall.
            notices.move_mark(connection, HISTORY, None, "0")
        self.choose_weather()
        if self.random.random() < 0.3:
            self.trouble.away = self.random.choice([0.005, 0.02])
        if self.random.random() < 0.6:
            self.trouble.slow_seconds = self.random.choice([0.002, 0.01, SLOWEST_SECONDS])
        for _ in range(self.random.randint(1, 3)):
            self.add_process()

    def choose_weather(self) -> None:
        """Choose how bad the line is, and with what."""
        random = self.random
        self.weather.chance = random.choice([0.0, 0.1, 0.3, 0.6])
        self.weather.kinds = tuple(random.sample(KINDS, random.randint(1, 6)))
        self.weather.slow_seconds = random.choice([0.01, 0.2, 0.5, 2.0])

    def add_process(self) -> Process:
        """Start another process."""
        self._made += 1
        process = Process(
            f"process-{self._made}",
            self.settings,
            self.timeline,
            self.world,
            self.weather,
            self.trouble,
            Random(self.random.random()),  # noqa: S311
            self.journal.say,
            self._databases.open(),
            self.heard,
        )
        self.processes.append(process)
        return process

    def alive(self) -> list[Process]:
        """Return the processes that live, and start one when none does."""
        return [process for process in self.processes if not process.is_dead] or [self.add_process()]

    def do(self, process: Process, name: str, deed: Callable[[Ledger], object]) -> None:
        """Let a process do something beside all else that happens; what a person could fix is only written down."""

        def attempt() -> None:
            self.journal.say(f"{process.name}: {name}")
            try:
                message = deed(process.ledger)
            except LedgerError as error:
                message = f"{type(error).__name__}: {error}"
            self.journal.say(f"{process.name}: {name} -> {message}")

        self._made += 1
        self.timeline.spawn(f"{process.name} task {self._made}", attempt, process)

    def rows(self, statement: str) -> list[Mapping[str, Any]]:
        """Look into the database."""
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(text(statement))]

    def entries(self, event: str) -> list[Mapping[str, Any]]:
        """Return what the history says of an event."""
        with self.database.read() as connection:
            found = connection.execute(select(history).where(history.c.event == event).order_by(history.c.id))
            return [dict(row._mapping) for row in found]

    def close(self) -> None:
        """Close what the processes held open; the operating system would."""
        for process in self.processes:
            process.ledger.close()
        self._spool.cleanup()

    def _settings(self, database_url: str) -> Settings:
        random = self.random
        return Settings.load(
            database_url=database_url,
            spool_dir=self._spool.name,
            apps=APPS,
            calls_per_second=random.choice([2, 5, 20]),
            calls_in_flight=random.choice([1, 2, 16]),
            margin_seconds=random.choice([0, 30, 120]),
            group_window_hours=random.choice([24, 24, 2]),
            http_timeout_seconds=TIMEOUT_SECONDS,
        )
