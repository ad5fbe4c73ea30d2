"""A question that many ask at once is asked once for all: each hears an answer from after they asked.

Who comes while it is being asked waits for the next one, since this answer may be of a moment before they came.
"""

import threading
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

from ledger.errors import LedgerError

Answer = TypeVar("Answer")


class SharedQuestion(Generic[Answer]):
    """Asks `ask`, from any thread; what goes wrong with it everybody hears who waited for it."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._asking, self._counting = threading.Lock(), threading.Lock()
        self._begun = 0
        self._last: tuple[int, Callable[[], Answer]] | None = None

    def answer(self) -> Answer:
        """Return what is so now, or a moment later; raise what asking raises."""
        with self._counting:
            wanted = self._begun + 1
        with self._asking:
            if self._last is None or self._last[0] < wanted:
                with self._counting:
                    self._begun += 1
                    mine = self._begun
                self._last = mine, self._heard()
            said = self._last[1]
        return said()

    def _heard(self) -> Callable[[], Answer]:
        try:
            answer = self._ask()
        except LedgerError as error:
            return _raising(error)
        return lambda: answer


def _raising(error: LedgerError) -> Callable[[], NoReturn]:
    def say() -> NoReturn:
        raise error

    return say
