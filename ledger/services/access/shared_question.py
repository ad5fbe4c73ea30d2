"""A question that many ask at once is asked once for all: each hears an answer from after they asked.

Who comes while it is being asked waits for the next one, since this answer may be of a moment before they came.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

from ledger.errors import LedgerError

About = TypeVar("About")
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class _Round(Generic[About, Answer]):
    """What is to be asked together, and what was said once it was asked."""

    wanted: set[About] = field(default_factory=set)
    said: Callable[[About], Answer] | None = None


class SharedQuestion(Generic[About, Answer]):
    """Asks `ask`, from any thread, what is so of all that somebody wants to know; it answers of each of them.

    What goes wrong with it everybody hears who waited for it.
    """

    def __init__(self, ask: Callable[[Collection[About]], Mapping[About, Answer]]) -> None:
        self._ask = ask
        self._asking, self._joining = threading.Lock(), threading.Lock()
        self._next = _Round[About, Answer]()

    def answer(self, about: About) -> Answer:
        """Return what is so of it now, or a moment later; raise what asking raises."""
        with self._joining:
            mine = self._next
            mine.wanted.add(about)
        with self._asking:
            if mine.said is None:
                with self._joining:
                    self._next = _Round()
                mine.said = self._heard(mine.wanted)
        return mine.said(about)

    def _heard(self, wanted: Collection[About]) -> Callable[[About], Answer]:
        try:
            answers = self._ask(wanted)
        except LedgerError as error:
            return _raising(error)
        return answers.__getitem__


def _raising(error: LedgerError) -> Callable[[object], NoReturn]:
    def say(_: object) -> NoReturn:
        raise error

    return say
