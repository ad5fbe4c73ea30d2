"""How far a long look at many rows is, for who watches it."""

from collections.abc import Callable, Iterator
from typing import TypeVar

Row = TypeVar("Row")


class Progress:
    """Nobody watches: rows pass as they are."""

    def begin(self, count: Callable[[], int]) -> None:
        """Begin a look at so many rows; they are counted only for who wants to know."""

    def over(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Pass rows on."""
        return rows


UNSEEN = Progress()
