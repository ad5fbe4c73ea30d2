"""Steps: one step at a time, also where a signal handler comes in the middle of a step of its own thread.

Python runs signal handlers in the main thread, whatever that is at. A plain lock would wait for ever for a thread that
waits for the handler; one that lets its thread in again would show the handler what is half done. Only the standard
library is used here, since senders without ours write down their sends too.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Steps:
    """A lock for steps; what cannot be done in the middle of another step is postponed to its end."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._is_at_work = False
        self._postponed: deque[Callable[[], object]] = deque()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the lock; say whether its own thread holds it already, and was interrupted by the handler that asks."""
        with self._lock:
            is_interrupted = self._is_at_work
            try:
                self._is_at_work = True
                yield is_interrupted
            finally:
                try:
                    while self._postponed and not is_interrupted:
                        self._postponed.popleft()()
                finally:
                    self._is_at_work = is_interrupted
        if self._postponed and not is_interrupted:
            # Of a handler that came just before the step was over.
            self.take(lambda: None)

    def postpone(self, step: Callable[[], object]) -> None:
        """Have something done at the end of the step that was interrupted."""
        self._postponed.append(step)

    def take(self, step: Callable[[], object]) -> None:
        """Do something now, or at the end of the step that was interrupted."""
        with self.alone() as is_interrupted:
            if is_interrupted:
                self.postpone(step)
            else:
                step()
