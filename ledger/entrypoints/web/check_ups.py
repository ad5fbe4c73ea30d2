"""The last check-up of this process: it asks DingTalk, so it is made when somebody wants it, and kept for a while."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from fastapi import Request

from ledger.core.check_up import Check
from ledger.parts import Parts


class CheckUps:
    """Makes check-ups, one at a time, and remembers the last; safe to share between threads."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._lock = parts, threading.Lock()
        self.last: LastCheckUp | None = None

    @property
    def checks(self) -> Sequence[Check]:
        """What the last check-up found; nothing before there was one."""
        return self.last.checks if self.last is not None else ()

    def run_once(self) -> None:
        """Make a check-up; who asks while one is made waits for it instead of making another."""
        before = self.last
        with self._lock:
            if self.last is before:
                self.last = LastCheckUp(self._parts.clock.now(), tuple(self._parts.examine()))


class LastCheckUp:
    """What a check-up found, and when."""

    def __init__(self, at: datetime, checks: Sequence[Check]) -> None:
        self.at, self.checks = at, checks


def checkups_of(request: Request) -> CheckUps:
    """Return the check-ups of the application."""
    return cast("CheckUps", request.app.state.checkups)
