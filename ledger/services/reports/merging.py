"""Two streams in one order, held side by side in constant memory."""

from collections.abc import Iterator
from typing import TypeVar

Left = TypeVar("Left")
Right = TypeVar("Right")


def merged(
    left: Iterator[tuple[int, Left]], right: Iterator[tuple[int, Right]]
) -> Iterator[tuple[int, Left | None, Right | None]]:
    """Yield what two streams in the order of their numbers have of each number; None where one has nothing."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None  # noqa: S101  (or the loop had ended)
            yield one[0], one[1], None
            one = next(left, None)
        elif one is None or other[0] < one[0]:
            yield other[0], None, other[1]
            other = next(right, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(left, None), next(right, None)
