"""The journal of one process: lines appended to files of its own, locked for as long as it lives.

Appending is one `write`: what was written survives the process, whoever kills it; `sync` makes it survive the machine.
A segment (one file) is deleted once everything in it is in the database; what is left when its lock falls is replayed
by another process. When a folder cannot be written, the next one is. Only the standard library is used here, since
senders without ours write journals too.

Python runs signal handlers in the main thread, whatever that is at: a handler that records may come in the middle of a
step of its own thread, which waits for it. What it writes then goes to a file of its own, and everything else that it
asks for is done after that step.
"""

import itertools
import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from . import segments
from .segments import Segment
from .steps import Steps

# Segments of a process that writes to the database itself, and of one that leaves that to others.
OWN = ".journal"
FEED = ".feed"
LARGEST_SEGMENT_BYTES = 4 * 1024 * 1024
# A segment that has nothing left is emptied when it has grown to this, so that it is neither rewritten all the time nor
# grows for ever; and when its process has a moment, so that nobody takes it for what waits.
EMPTY_AFTER_BYTES = 64 * 1024
# So long is a folder left alone that could not be written, while another one can.
LEFT_ALONE_SECONDS = 5.0


def journal_of(send_id: str) -> str:
    """Return the name of the journal that gave a send its id."""
    return send_id.rpartition("-")[0]


class Journal:
    """Appends lines; safe to share between threads, and forgotten by a process that is forked off.

    `folders` are tried in order. Every method that writes raises OSError when none of them can be written; `complain`
    gets a text when the first one cannot, once until it can again.
    """

    def __init__(self, *folders: Path, kind: str = OWN, complain: Callable[[str], object] = lambda _: None) -> None:
        self._folders, self._kind, self._complain = folders, kind, complain
        self._name, self._numbers = uuid4().hex, itertools.count()
        self._steps = Steps()
        self._active: Segment | None = None
        self._open_segments: set[Segment] = set()
        self._back_at = 0.0
        self._complained_of: Path | None = None
        self._texts: deque[str] = deque()
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def new_id(self) -> str:
        """Return a name for a send that no other send anywhere has; random numbers for each would take too long."""
        return f"{self._name}-{next(self._numbers)}"

    def begin(self, line: bytes) -> Segment:
        """Write that a send is about to leave; its end goes to the segment that is returned."""
        with self._alone() as is_interrupted:
            segment = self._aside(line) if is_interrupted else self._append(line)
            segment.open += 1
            return segment

    def end(
        self, segment: Segment, line: bytes, *, whole: bytes | None = None, void: bytes = b"", entries: int = 1
    ) -> Segment | None:
        """Write how a send ended, and return the segment that holds it; None when that is not one of this process.

        What leaves something to record, so many entries, waits until each is settled, and has a `whole` line, which
        says everything: it goes to another segment when the one with the beginning takes no more, which is owed the
        `void` line then, so that nobody takes the send for one whose program died. Without it, nothing is left.
        """
        with self._alone() as is_interrupted:
            if is_interrupted:
                last = line if whole is None else void
                self._steps.postpone(partial(self._ended, segment, last, None, b"", 0))
                return None
            return self._ended(segment, line, whole, void, entries)

    def add(self, line: bytes, entries: int = 1) -> Segment:
        """Write a line that is whole by itself; so many entries that it leaves to record wait until each is settled."""
        with self._alone() as is_interrupted:
            segment = self._aside(line) if is_interrupted else self._append(line)
            segment.unsettled += entries
            return segment

    def settle(self, segment: Segment, entries: int = 1) -> None:
        """Forget entries of a segment that are in the database now."""
        self._steps.take(partial(self._settle, segment, entries))

    def hand_over(self, segment: Segment) -> None:
        """Give up a segment: once it is let go, whoever can reach the database replays it."""
        segment.is_handed_over = True
        self._steps.take(partial(self._tidy, segment))

    @property
    def handed_over(self) -> list[Path]:
        """Return the segments that are left to others and not let go yet."""
        return [segment.path for segment in tuple(self._open_segments) if segment.is_handed_over]

    def empty(self) -> None:
        """Take out what is in the database of segments that have nothing left, however small they are."""
        self._steps.take(self._empty)

    def seal(self) -> None:
        """Write no more to segments that are left to others, so that they are replayed once their sends are over."""
        self._steps.take(self._seal)

    def sync(self, segment: Segment) -> None:
        """Return once what stands in a segment is on disk; when that fails, nothing in it counts as written."""
        with self._alone():
            if segment not in self._open_segments:
                return
            descriptor = os.dup(segment.descriptor)
        # Outside the lock: nobody's send is held up by a slow disk.
        try:
            segments.sync(segment, descriptor)
        except OSError:
            self._steps.take(partial(self._retire, segment))
            raise
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let every segment go; others replay what is left there. The journal can be used again afterwards."""
        self._steps.take(self._close)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Take a turn; complain after it, since whoever hears of it may send something that is written here."""
        try:
            with self._steps.alone() as is_interrupted:
                yield is_interrupted
        finally:
            with suppress(IndexError):  # another thread said it
                while self._texts:
                    self._complain(self._texts.popleft())

    def _settle(self, segment: Segment, entries: int) -> None:
        segment.unsettled -= entries
        self._tidy(segment)

    def _empty(self) -> None:
        for segment in tuple(self._open_segments):
            self._tidy(segment, empty_after=0)

    def _seal(self) -> None:
        for segment in [segment for segment in tuple(self._open_segments) if segment.is_handed_over]:
            self._retire(segment)
            self._tidy(segment)

    def _close(self) -> None:
        for segment in tuple(self._open_segments):
            segment.open, segment.is_handed_over = 0, segment.unsettled > 0 or segment.open > 0
            self._retire(segment)
            self._tidy(segment)

    def _ended(self, segment: Segment, line: bytes, whole: bytes | None, void: bytes, entries: int) -> Segment | None:
        if segment not in self._open_segments:
            return None
        segment.open -= 1
        try:
            holder = self._end(segment, line, whole, void)
            holder.unsettled += entries if whole is not None else 0
            return holder
        finally:
            self._tidy(segment)

    def _append(self, line: bytes) -> Segment:
        failure: OSError | None = None
        if self._active is not None and self._takes_more(self._active):
            try:
                segments.append(self._active, line)
                return self._active
            except OSError as error:
                failure = error
        segment, failure = self._begun(line, failure)
        self._take_up(segment, failure)
        return segment

    def _aside(self, line: bytes) -> Segment:
        """Write a line to a file of its own, which nobody else writes to."""
        segment, _ = self._begun(line, None)
        segment.is_active, segment.is_handed_over = False, self._kind == FEED
        self._open_segments.add(segment)
        self._steps.postpone(partial(self._tidy, segment))
        return segment

    def _begun(self, line: bytes, failure: OSError | None) -> tuple[Segment, OSError | None]:
        """Begin a segment with a line in the first folder that takes it; return it, and the first failure, if any."""
        for folder in self._folders:
            try:
                segment = segments.create(folder, self._kind)
            except OSError as error:
                failure = failure or error
                continue
            try:
                segments.append(segment, line)
            except OSError as error:
                segments.discard(segment)
                failure = failure or error
                continue
            return segment, failure
        self._say_once(self._folders[-1], f"({failure}), nor any other folder")
        raise failure or OSError("there is no folder for the spool")

    def _takes_more(self, segment: Segment) -> bool:
        if segment.is_broken or segment.size > LARGEST_SEGMENT_BYTES:
            return False
        return segment.path.parent == self._folders[0] or time.monotonic() < self._back_at

    def _take_up(self, segment: Segment, failure: OSError | None) -> None:
        segment.is_handed_over = self._kind == FEED
        self._open_segments.add(segment)
        former, self._active = self._active, segment
        if former is not None:
            former.is_active = False
            self._tidy(former)
        if segment.path.parent == self._folders[0]:
            self._complained_of = None
            return
        self._back_at = time.monotonic() + LEFT_ALONE_SECONDS
        self._say_once(segment.path.parent, f"({failure}), and {segment.path.parent} is used instead")

    def _say_once(self, folder: Path, text: str) -> None:
        if self._complained_of != folder:
            self._complained_of = folder
            self._texts.append(
                f"the spool {self._folders[0]} cannot be written {text}: fix it, or set LEDGER_SPOOL_DIR"
            )

    def _end(self, segment: Segment, line: bytes, whole: bytes | None, void: bytes) -> Segment:
        try:
            segments.append(segment, line)
            return segment
        except OSError:
            if whole is None:
                segment.owed.append(line)
                return segment
        try:
            return self._append(whole)
        finally:
            # Also where nothing took it: then it is for its owner to record it, or to say that it is not.
            segment.owed.append(void)

    def _retire(self, segment: Segment) -> None:
        segment.is_active = False
        if self._active is segment:
            self._active = None

    def _tidy(self, segment: Segment, empty_after: int | None = None) -> None:
        """Empty, delete or let go of a segment of which nothing is left for us to do."""
        if segment.open > 0 or segment not in self._open_segments:
            return
        if segment.is_active:
            most = EMPTY_AFTER_BYTES if empty_after is None else empty_after
            if segment.unsettled == 0 and segment.size > most and not segment.is_handed_over:
                segments.empty(segment)
            return
        if segment.unsettled > 0 and not segment.is_handed_over:
            return
        self._open_segments.discard(segment)
        if not (segment.is_handed_over and segment.size > 0):
            segments.discard(segment)
            return
        # What cannot be written or synced here was not confirmed by us, or was written elsewhere as well.
        with suppress(OSError):
            for line in segment.owed:
                segments.append(segment, line)
            segments.sync(segment, segment.descriptor)
        os.close(segment.descriptor)

    def _forget(self) -> None:
        """Start anew in a process that was forked off: segments and locks are those of the one that forked."""
        self._steps = Steps()
        for segment in self._open_segments:
            os.close(segment.descriptor)
        self._open_segments, self._active = set(), None
        self._name = uuid4().hex
