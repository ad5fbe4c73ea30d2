"""Settling by read status, started from a page: it asks key by key, which takes longer than a browser waits."""

import logging
import threading
from typing import cast

from fastapi import Request

from ledger.errors import LedgerError
from ledger.parts import Parts

log = logging.getLogger(__name__)


class Settlings:
    """Settles recalls beside the requests, each by one thread at a time; safe to share between threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._lock = parts, threading.Lock()
        self._running: dict[int, threading.Thread] = {}
        self._errors: dict[int, LedgerError] = {}

    def start(self, recall_id: int, *, actor: str) -> None:
        """Settle a recall; nothing happens when somebody is at it already."""
        with self._lock:
            if recall_id in self._running:
                return
            self._errors.pop(recall_id, None)
            thread = threading.Thread(
                target=self._run, args=(recall_id, actor), name=f"ledger-settling-{recall_id}", daemon=True
            )
            self._running[recall_id] = thread
        thread.start()

    def is_running(self, recall_id: int) -> bool:
        """Say whether a recall is being settled here."""
        return recall_id in self._running

    def error(self, recall_id: int) -> LedgerError | None:
        """Return why settling a recall ended before it was done, if it did."""
        return self._errors.get(recall_id)

    def wait(self, recall_id: int) -> None:
        """Return once nobody settles a recall here any more."""
        with self._lock:
            thread = self._running.get(recall_id)
        if thread is not None:
            thread.join()

    def _run(self, recall_id: int, actor: str) -> None:
        try:
            self._parts.read_status.run(recall_id, actor=actor)
        except LedgerError as error:
            log.warning("recall %s was not settled: %s", recall_id, error, extra={"facts": {"recall": recall_id}})
            self._errors[recall_id] = error
        finally:
            with self._lock:
                del self._running[recall_id]


def settlings_of(request: Request) -> Settlings:
    """Return the settlings of the application."""
    return cast("Settlings", request.app.state.settlings)
