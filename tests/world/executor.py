"""An executor whose work runs as tasks of the timeline, and futures for which one can wait on simulated time."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import count
from typing import Any, ParamSpec, TypeVar

from tests.world.timeline import Process, Timeline, TimelineEvent

P = ParamSpec("P")
T = TypeVar("T")


class _Waiters(list[Any]):
    """Those who wait for a future; `concurrent.futures.wait` adds one, which would wait on real time."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def append(self, waiter: Any) -> None:
        if not isinstance(waiter.event, TimelineEvent):
            waiter.event = TimelineEvent(self._timeline)
        super().append(waiter)


class TimelineFuture(Future[T]):
    """A future with a number, so that sets of them have an order that repeats."""

    def __init__(self, timeline: Timeline, number: int) -> None:
        super().__init__()
        self._number = number
        self._waiters = _Waiters(timeline)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class TimelineExecutor(Executor):
    """Makes each piece of work a task of one process."""

    def __init__(self, timeline: Timeline, process: Process, name: str) -> None:
        self._timeline, self._process, self._name = timeline, process, name
        self._numbers = count(1)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return a future that is done when the task is; the first argument says what the task is about."""
        number = next(self._numbers)
        future: TimelineFuture[T] = TimelineFuture(self._timeline, number)

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
                raise
            future.set_result(result)

        about = args[0] if args else None
        self._timeline.spawn(f"{self._name}.{number}", work, self._process, about)
        return future
