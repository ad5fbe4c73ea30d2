"""Writing many things so that no one of them condemns the others: what failed together is tried apart.

Only what names a thing's own values is a fault of that thing. Every other error, also one that nobody thought of, means
that the database is away for it: it is left, kept, and tried again later.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.core.events.message_events import EventPush
from ledger.core.recording.message import KeylessSend, Message
from ledger.errors import DatabaseError, InvalidMessageError, StatementRefusedError

Content = Message | KeylessSend | EventPush

# So many in a row that fail alone, and none that works: then it is not for them that the database fails.
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one thing: whether it is new to the ledger; or the error, and whether it is its own fault.

    `note` says how one that was known differs from what there is.
    """

    is_new: bool = False
    note: str | None = None
    error: Exception | None = None

    @property
    def is_refused(self) -> bool:
        """Say whether the thing itself cannot be recorded."""
        return isinstance(self.error, InvalidMessageError)

    @property
    def is_left(self) -> bool:
        """Say whether it has to be kept until the database is back."""
        return self.error is not None and not self.is_refused


Some = TypeVar("Some", bound=Content)
Write = Callable[[Sequence[Some]], Sequence[Written]]


def write_apart(write: Write[Some], contents: Sequence[Some]) -> list[Written]:
    """Write all in one transaction, or else in ever smaller ones; say of each what became of it. Nothing is raised."""
    return _Apart(write).run(contents)


class _Apart(Generic[Some]):
    def __init__(self, write: Write[Some]) -> None:
        self._write = write
        self._works = False
        self._failures = 0

    def run(self, contents: Sequence[Some]) -> list[Written]:
        try:
            return list(self._write(contents))
        except Exception as error:
            if len(contents) == 1 or is_away(error):
                return [Written(error=error)] * len(contents)
        # In any order: those that fail may stand together, and must not pass for all.
        order = random.sample(range(len(contents)), len(contents))
        found: dict[int, Written] = {}
        self._halve(contents, order, found)
        return [found[index] for index in range(len(contents))]

    def _halve(self, contents: Sequence[Some], indexes: Sequence[int], found: dict[int, Written]) -> None:
        middle = (len(indexes) + 1) // 2
        for half in (indexes[:middle], indexes[middle:]):
            if not half:
                continue
            try:
                written = self._write([contents[index] for index in half])
            except Exception as error:
                if len(half) == 1:
                    self._failures += 1
                    self._works |= isinstance(error, InvalidMessageError)
                if len(half) == 1 or is_away(error) or self._is_for_all():
                    found.update(dict.fromkeys(half, Written(error=error)))
                else:
                    self._halve(contents, half, found)
            else:
                self._works = True
                found.update(zip(half, written, strict=True))

    def _is_for_all(self) -> bool:
        return not self._works and self._failures >= MOST_FAILURES


def is_away(error: Exception) -> bool:
    """Say whether the database itself does not answer, or is not to be used: then one is as good as many."""
    return isinstance(error, DatabaseError) and not isinstance(error, StatementRefusedError)
