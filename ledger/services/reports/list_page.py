"""A part of a long list, and all parts of one, each read when its turn comes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

# So many rows in a page at most, whoever asks.
PAGE_ROWS_MAX = 1000

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Generic[Value]):
    """A part of a list; `cursor` is where the next one starts, None at the end."""

    values: Sequence[Value]
    cursor: str | None


def every_page(read: Callable[[str | None], ListPage[Value]]) -> Iterator[Sequence[Value]]:
    """Yield all pages of a list, in constant memory."""
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield page.values
        cursor = page.cursor
        if cursor is None:
            return


def batches(values: Iterable[Value], size: int) -> Iterator[Sequence[Value]]:
    """Yield values in batches, so that a long list shows at once."""
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch
