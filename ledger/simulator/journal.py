"""The record of everything that was asked, for tests to look at afterwards."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .answers import Answer
from .exchange import Cut, Request
from .limits import SECOND, SlidingWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it arrived and was answered; `status` is 0 when no answer was made, `code` is None without an error.

    `keys` are the keys that were asked for, or the one that a send made.
    """

    at: datetime
    app: str | None
    method: str
    path: str
    robot_code: str | None
    keys: tuple[str, ...]
    status: int
    code: str | None
    request_id: str
    address: str
    cut: Cut | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the call as the management door shows it."""
        return {
            "at": self.at.isoformat(),
            "app": self.app,
            "method": self.method,
            "path": self.path,
            "robot_code": self.robot_code,
            "keys": list(self.keys),
            "status": self.status,
            "code": self.code,
            "request_id": self.request_id,
            "address": self.address,
            "cut": self.cut,
        }


class Journal:
    """The last `size` calls, and counts of all of them."""

    def __init__(self, size: int | None) -> None:
        self.calls: deque[Call] = deque(maxlen=size)
        self.total = 0
        self.by_path: Counter[str] = Counter()
        self.by_code: Counter[str] = Counter()
        self.busiest_second: Counter[str] = Counter()
        self._windows: defaultdict[tuple[str | None, str], SlidingWindow] = defaultdict(lambda: SlidingWindow(SECOND))

    def note(self, call: Call) -> None:
        """Take one call in; the busiest second of a path is that of the one app that called it most."""
        self.calls.append(call)
        self.total += 1
        self.by_path[call.path] += 1
        self.by_code[call.code or ("ok" if call.status == 200 else str(call.status))] += 1
        seen = self._windows[call.app, call.path].add(call.at)
        self.busiest_second[call.path] = max(seen, self.busiest_second[call.path])

    def counts(self) -> dict[str, Any]:
        """Return the counts as the management door shows them."""
        return {
            "total": self.total,
            "by_path": dict(self.by_path),
            "by_code": dict(self.by_code),
            "busiest_second": dict(self.busiest_second),
        }


def call_of(
    request: Request,
    fields: Mapping[str, Any] | None,
    answer: Answer,
    now: datetime,
    app: str | None,
    request_id: str,
    cut: Cut | None,
) -> Call:
    """Return the record of one call."""
    robot = (fields or {}).get("robotCode")
    return Call(
        at=now,
        app=app,
        method=request.method,
        path=request.path,
        robot_code=robot if isinstance(robot, str) else None,
        keys=keys_in(fields or {}, answer),
        status=answer.status,
        code=answer.code,
        request_id=request_id,
        address=request.address,
        cut=cut,
    )


def keys_in(fields: Mapping[str, Any], answer: Answer) -> tuple[str, ...]:
    """Return the keys that a call asked for, or else the one that its answer made."""
    asked = fields.get("processQueryKeys")
    if isinstance(asked, list):
        return tuple(key for key in asked if isinstance(key, str))
    made = {} if isinstance(answer.payload, str) else answer.payload
    key = fields.get("processQueryKey") or made.get("processQueryKey")
    return (key,) if isinstance(key, str) else ()
