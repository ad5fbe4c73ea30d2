"""Simulated time: tasks that look parallel, of which only one runs at a time, in an order that the seed decides.

Two times pass here. `elapsed` never goes back: sleeps are measured on it. The wall is what a clock shows, and somebody
may set it.
"""

import heapq
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from ledger.clock import FakeClock

MICROSECONDS = 1_000_000
MOST_STEPS = 60_000


class Killed(BaseException):
    """The process to which a task belongs is dead."""


class EndlessDayError(AssertionError):
    """A day took more steps than any day should."""


class Process(Protocol):
    """Whom a task belongs to."""

    is_dead: bool


class Task:
    """One line of work, in a thread of its own that runs only when it is its turn."""

    def __init__(self, name: str, action: Callable[[], object], process: Process, about: object = None) -> None:
        self.name, self.process, self.about = name, process, about
        self.error: BaseException | None = None
        self.has_ended = False
        self.turn = 0
        self._action = action
        self._may_go, self._has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def step(self) -> None:
        """Let it run until it parks or ends."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()
        else:
            self._may_go.release()
        self._has_stopped.acquire()

    def park(self) -> None:
        """Give the turn back until the next step; called in the task's own thread."""
        if self.process.is_dead:
            raise Killed
        self._has_stopped.release()
        self._may_go.acquire()
        if self.process.is_dead:
            raise Killed

    def _run(self) -> None:
        try:
            if not self.process.is_dead:
                self._action()
        except Killed:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.has_ended = True
            self._has_stopped.release()


class Timeline:
    """The queue of what happens next."""

    def __init__(self, start: datetime, random: Random) -> None:
        self.wall = FakeClock(start)
        self.elapsed = 0
        self.jumped_back = False
        self._random = random
        self._queue: list[tuple[int, float, int, Task, int]] = []
        self._parked: set[Task] = set()
        self._current: Task | None = None
        self._pushed = self._steps = 0

    @property
    def current(self) -> Task:
        """The task whose turn it is."""
        assert self._current is not None, "only tasks may ask"
        return self._current

    def spawn(self, name: str, action: Callable[[], object], process: Process, about: object = None) -> Task:
        """Start a task; it runs when its turn comes."""
        task = Task(name, action, process, about)
        self._push(task, 0)
        return task

    def sleep(self, seconds: float) -> None:
        """Let the current task wait; the clock that is set meanwhile makes it no longer."""
        self._push(self.current, round(seconds * MICROSECONDS))
        self.current.park()

    def wait(self, timeout: float | None) -> None:
        """Let the current task wait until it is woken, or for so many seconds."""
        if timeout is not None:
            self._push(self.current, round(timeout * MICROSECONDS))
        self.current.park()

    def wake(self, task: Task) -> None:
        """Let a parked task go on now."""
        if not task.has_ended:
            self._push(task, 0)

    def wake_all_of(self, process: Process) -> None:
        """Let every task of a process go on now: to die."""
        for task in sorted(self._parked, key=lambda one: one.name):
            if task.process is process:
                self.wake(task)

    def set_wall(self, by: timedelta) -> None:
        """Set the clock."""
        self.wall.set(by)
        self.jumped_back = self.jumped_back or by < timedelta(0)

    def run(self) -> None:
        """Go on until nothing waits any more."""
        while self._queue:
            at, _, _, task, turn = heapq.heappop(self._queue)
            if task.turn == turn and not task.has_ended:
                self._step(task, at)
        assert not self._parked, f"waiting for nothing: {sorted(task.name for task in self._parked)}"

    def _step(self, task: Task, at: int) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise EndlessDayError(f"{MOST_STEPS} steps and no end; {task.name} is still at it")
        if at > self.elapsed:
            self.wall.advance(timedelta(microseconds=at - self.elapsed))
            self.elapsed = at
        self._parked.discard(task)
        self._current = task
        task.step()
        self._current = None
        if task.error is not None:
            raise task.error
        if not task.has_ended:
            self._parked.add(task)

    def _push(self, task: Task, microseconds: int) -> None:
        task.turn += 1
        self._pushed += 1
        at = self.elapsed + max(microseconds, 0)
        heapq.heappush(self._queue, (at, self._random.random(), self._pushed, task, task.turn))


class TimelineEvent:
    """What `threading.Event` is to threads, for tasks."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._waiting: Task | None = None
        self._is_set = False

    def set(self) -> None:
        """Let whoever waits go on."""
        self._is_set = True
        if self._waiting is not None:
            self._timeline.wake(self._waiting)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, or for so many seconds; say whether it is."""
        if not self._is_set:
            self._waiting = self._timeline.current
            self._timeline.wait(timeout)
            self._waiting = None
        return self._is_set
