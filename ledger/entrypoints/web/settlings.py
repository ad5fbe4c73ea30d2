"""Questions to DingTalk that were started from a page: message by message takes longer than a browser waits."""

import logging
import threading
from collections.abc import Callable
from typing import cast

from fastapi import Request

from ledger.errors import LedgerError

log = logging.getLogger(__name__)

# What is asked about: a recall by its number, whose doubts are settled, or whatever else a page names.
Subject = int | tuple[str, ...]


class Settlings:
    """Asks beside the requests, of each subject by one thread at a time; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Subject, threading.Thread] = {}
        self._errors: dict[Subject, LedgerError] = {}

    def start(self, subject: Subject, ask: Callable[[], object]) -> None:
        """Ask about a subject; nothing happens when somebody is at it already."""
        with self._lock:
            if subject in self._running:
                return
            self._errors.pop(subject, None)
            name = f"ledger-settling-{subject if isinstance(subject, int) else subject[0]}"
            thread = threading.Thread(target=self._run, args=(subject, ask), name=name, daemon=True)
            self._running[subject] = thread
        thread.start()

    def is_running(self, subject: Subject) -> bool:
        """Say whether a subject is being asked about here."""
        return subject in self._running

    def error(self, subject: Subject) -> LedgerError | None:
        """Return why asking about a subject ended before it was done, if it did."""
        return self._errors.get(subject)

    def wait(self, subject: Subject) -> None:
        """Return once nobody asks about a subject here any more."""
        with self._lock:
            thread = self._running.get(subject)
        if thread is not None:
            thread.join()

    def _run(self, subject: Subject, ask: Callable[[], object]) -> None:
        try:
            ask()
        except LedgerError as error:
            facts = {"recall": subject} if isinstance(subject, int) else {}
            log.warning("what DingTalk was asked about is not all answered: %s", error, extra={"facts": facts})
            self._errors[subject] = error
        finally:
            with self._lock:
                del self._running[subject]


def settlings_of(request: Request) -> Settlings:
    """Return the settlings of the application."""
    return cast("Settlings", request.app.state.settlings)
