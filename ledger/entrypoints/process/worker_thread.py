"""A worker beside what a process answers, in a thread of its own."""

import logging
import threading
from typing import TYPE_CHECKING

from ledger.errors import LedgerError

if TYPE_CHECKING:
    from ledger.parts import Parts
    from ledger.scheduler import Worker

RESTART_SECONDS = 2.0

log = logging.getLogger(__name__)


class WorkerThread:
    """A worker in a thread beside the doors; it starts, and starts again, once the database is there."""

    def __init__(self, parts: "Parts") -> None:
        self._parts, self._stopping = parts, threading.Event()
        self._worker: Worker | None = None
        self._complained_of = ""
        self._thread = threading.Thread(target=self._run, name="ledger-worker")
        self._thread.start()

    def stop(self) -> None:
        """Return once what was under way is written down."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._worker = self._worker or self._parts.worker()
                # Told to stop while it was made, it would not hear of it.
                if not self._stopping.is_set():
                    self._worker.run()
                self._complained_of = ""
            except LedgerError as error:
                if str(error) != self._complained_of:
                    log.warning("the worker starts again once it can: %s", error)
                self._complained_of = str(error)
                self._stopping.wait(RESTART_SECONDS)
