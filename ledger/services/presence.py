"""Who is at work in this process, so that whoever closes it can send them home first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Presence:
    """Counts the threads at work, and tells them when it is over."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work: list[int] = []
        self.is_over = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Be at work as long as the block lasts."""
        me = threading.get_ident()
        with self._changed:
            self._at_work.append(me)
        try:
            yield
        finally:
            with self._changed:
                self._at_work.remove(me)
                self._changed.notify_all()

    def end(self, patience_seconds: float) -> bool:
        """Tell all that it is over, and wait until the others have gone; say whether they have."""
        me = threading.get_ident()
        self.is_over = True
        with self._changed:
            return self._changed.wait_for(lambda: all(one == me for one in self._at_work), patience_seconds)
