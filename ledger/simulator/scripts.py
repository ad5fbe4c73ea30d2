"""Answers that a test queues up to be given next, in place of the ordinary ones."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from .exchange import Cut
from .refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAnswer:
    """What the next `times` calls of `path` (None: of any path) are answered.

    Without a `status` the call does its ordinary work, and only the headers, the delay and the cut are added.
    With one, nothing is done unless `does_work` asks for it; a `body` may be JSON or a text, and a body with a
    `code` is given its `requestid`.
    """

    path: str | None = None
    times: int = 1
    status: int | None = None
    body: Mapping[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    cut: Cut | None = None
    does_work: bool | None = None

    @classmethod
    def error(cls, code: str, *, path: str | None = None, times: int = 1, status: int | None = None) -> Self:
        """Build the documented answer of an error code."""
        refusal = Refusal(code, status=status)
        body = refusal.payload("", capitalised=False)
        del body["requestid"]
        return cls(path=path, times=times, status=refusal.status, body=body)

    @property
    def works(self) -> bool:
        """Whether the call does what it asks for."""
        if self.does_work is not None:
            return self.does_work
        return self.status is None and self.cut is not Cut.BEFORE_WORK


class ScriptQueue:
    """The scripted answers that are still to be given, in the order they were queued."""

    def __init__(self) -> None:
        self._waiting: deque[ScriptedAnswer] = deque()

    def __len__(self) -> int:
        return sum(answer.times for answer in self._waiting)

    def add(self, answers: Iterable[ScriptedAnswer]) -> None:
        """Queue answers up."""
        self._waiting.extend(answer for answer in answers if answer.times > 0)

    def take(self, path: str) -> ScriptedAnswer | None:
        """Return the next answer for a path and use it up once."""
        for place, answer in enumerate(self._waiting):
            if answer.path is None or answer.path == path:
                if answer.times > 1:
                    self._waiting[place] = replace(answer, times=answer.times - 1)
                else:
                    del self._waiting[place]
                return answer
        return None

    def clear(self) -> None:
        """Forget what was queued."""
        self._waiting.clear()
