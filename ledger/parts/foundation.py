"""What every room stands on: settings, clock and database, and the recorder that keeps what is sent."""

import os
import threading
import weakref
from concurrent.futures import Executor
from inspect import getattr_static
from typing import TYPE_CHECKING

from ledger.clock import AlignedClock, Clock, SystemClock
from ledger.parts.part import part
from ledger.patience import OutageLog
from ledger.services.recording.recorder import Recorder
from ledger.settings import Settings
from ledger.store import migrate
from ledger.store.database import Database

if TYPE_CHECKING:
    from httpx import BaseTransport

    from ledger.services.recording.inserts import Inserter

# What forked processes were forked with: kept for good, so that no end of it is closed under the one that uses it.
_INHERITED: list[object] = []


class Foundation:
    """Settings, clock, database and recorder. Nothing is opened before the first use."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        executor: Executor | None = None,
        transport: "BaseTransport | None" = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or AlignedClock(SystemClock())
        self.database = Database(settings.database_url_or_default)
        self.executor, self.transport = executor, transport
        self.building = threading.RLock()
        self._is_ready = False
        self.outage = OutageLog(self.clock)
        self.recorder = Recorder(lambda: self.inserter, self.clock, settings, self.outage)
        start_anew = weakref.WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (method := start_anew()) and method())

    def _start_anew(self) -> None:
        """Build everything again in a process that was forked: threads did not come along, and connections are shared.

        Neither is a lease: the name of the one that forked is not its own.
        """
        self.building = threading.RLock()
        built = [name for name in self.__dict__ if isinstance(getattr_static(type(self), name, None), part)]
        _INHERITED.extend(self.__dict__.pop(name) for name in built)

    def opened(self) -> Database:
        """Return the database once its tables are known to be current."""
        if not self._is_ready:
            with self.building:
                migrate.ensure(self.database)
                self.align_clock()
                self._is_ready = True
        return self.database

    def align_clock(self) -> None:
        """Keep to the database server's time, which is that of all processes that share it."""
        if isinstance(self.clock, AlignedClock) and not self.database.is_sqlite:
            self.clock.align(self.database.server_time)

    @part
    def inserter(self) -> "Inserter":
        """Writes messages."""
        from ledger.services.recording.inserts import Inserter

        return Inserter(self.opened(), self.clock, self.settings)
