"""The journal of one process: lines appended to files of its own, locked for as long as it lives.

Appending is one `write`: what was written survives the process, whoever kills it; `sync` makes it survive the machine.
A page (one file) is deleted once everything on it is in the database; what is left when its lock falls is taken in by
another process. Only the standard library is used here, since senders without ours write journals too.
"""

import fcntl
import itertools
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

# Pages of a process that writes to the database itself, and of one that leaves that to others.
OWN = ".journal"
FEED = ".feed"
_UNBORN = ".new"
LARGEST_SEGMENT_BYTES = 4 * 1024 * 1024
# A page that has nothing left is emptied when it has grown to this, so that it is neither rewritten all the time nor
# grows for ever.
EMPTY_AFTER_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class Segment:
    """One file, and what is still to happen to it: sends that are not over, and entries not in the database."""

    path: Path
    descriptor: int
    size: int = 0
    open: int = 0
    unsettled: int = 0
    is_active: bool = True
    is_handed_over: bool = False


class Journal:
    """Appends lines; safe to share between threads, and forgotten by a process that is forked off.

    Every method that writes raises OSError when the disk does.
    """

    def __init__(self, folder: Path, kind: str = OWN) -> None:
        self._folder, self._kind = folder, kind
        self._name, self._numbers = uuid4().hex, itertools.count()
        self._lock = threading.Lock()
        self._active: Segment | None = None
        self._open_segments: set[Segment] = set()
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def new_id(self) -> str:
        """Return a name for a send that no other send anywhere has; random numbers for each would take too long."""
        return f"{self._name}-{next(self._numbers)}"

    def begin(self, line: bytes) -> Segment:
        """Write that a send is about to leave; its end goes to the page that is returned."""
        with self._lock:
            segment = self._append(line)
            segment.open += 1
            return segment

    def end(self, segment: Segment, line: bytes, *, entries: int = 1) -> None:
        """Write how a send ended; what that leaves to record, so many entries, waits until each is settled."""
        with self._lock:
            if segment not in self._open_segments:
                return
            segment.open -= 1
            try:
                self._write(segment, line)
                segment.unsettled += entries
            finally:
                self._tidy(segment)

    def add(self, line: bytes) -> Segment:
        """Write an entry that is whole by itself; it waits until it is settled."""
        with self._lock:
            segment = self._append(line)
            segment.unsettled += 1
            return segment

    def settle(self, segment: Segment, entries: int = 1) -> None:
        """Forget entries of a page that are in the database now."""
        with self._lock:
            segment.unsettled -= entries
            self._tidy(segment)

    def hand_over(self, segment: Segment) -> None:
        """Give up a page: once it is let go, whoever can reach the database takes in what is on it."""
        with self._lock:
            segment.is_handed_over = True
            self._tidy(segment)

    @property
    def has_handed_over(self) -> bool:
        """Say whether some page is left to others and not let go yet."""
        return any(segment.is_handed_over for segment in tuple(self._open_segments))

    def seal(self) -> None:
        """Write no more to pages that are left to others, so that they are taken in as soon as their sends are over."""
        with self._lock:
            for segment in [segment for segment in self._open_segments if segment.is_handed_over]:
                self._retire(segment)
                self._tidy(segment)

    def sync(self, segment: Segment) -> None:
        """Return once what stands on a page is on disk."""
        with self._lock:
            if segment not in self._open_segments:
                return
            descriptor = os.dup(segment.descriptor)
        # Outside the lock: nobody's send is held up by a slow disk.
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let every page go; what is left on them is taken in by others. The journal can be used again afterwards."""
        with self._lock:
            for segment in list(self._open_segments):
                segment.open, segment.is_handed_over = 0, segment.unsettled > 0 or segment.open > 0
                self._retire(segment)
                self._tidy(segment)

    def _append(self, line: bytes) -> Segment:
        if self._active is None:
            self._active = self._new_segment()
        elif self._active.size > LARGEST_SEGMENT_BYTES:
            full = self._active
            self._active = self._new_segment()
            full.is_active = False
            self._tidy(full)
        self._write(self._active, line)
        return self._active

    def _write(self, segment: Segment, line: bytes) -> None:
        written = os.write(segment.descriptor, line)
        if written != len(line):
            # Half a line is none: what follows must not be glued to it.
            segment.size += written
            os.write(segment.descriptor, b"\n")
            raise OSError(f"the disk took {written} of {len(line)} bytes")
        segment.size += written

    def _new_segment(self) -> Segment:
        """Make a file that nobody sees before it is locked."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / (uuid4().hex + self._kind)
        unborn = path.with_suffix(_UNBORN)
        descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            unborn.rename(path)
        except OSError:
            os.close(descriptor)
            raise
        segment = Segment(path=path, descriptor=descriptor, is_handed_over=self._kind == FEED)
        self._open_segments.add(segment)
        return segment

    def _retire(self, segment: Segment) -> None:
        segment.is_active = False
        if self._active is segment:
            self._active = None

    def _tidy(self, segment: Segment) -> None:
        """Empty, delete or let go of a page of which nothing is left for us to do."""
        if segment.open > 0 or segment not in self._open_segments:
            return
        if segment.is_active:
            if segment.unsettled == 0 and segment.size > EMPTY_AFTER_BYTES and not segment.is_handed_over:
                os.ftruncate(segment.descriptor, 0)
                segment.size = 0
            return
        if segment.unsettled > 0 and not segment.is_handed_over:
            return
        self._open_segments.discard(segment)
        try:
            if segment.is_handed_over and segment.size > 0:
                os.fsync(segment.descriptor)
            else:
                segment.path.unlink(missing_ok=True)
        finally:
            os.close(segment.descriptor)

    def _forget(self) -> None:
        """Start anew in a process that was forked off: pages and locks are those of the one that forked."""
        self._lock = threading.Lock()
        for segment in self._open_segments:
            os.close(segment.descriptor)
        self._open_segments, self._active = set(), None
        self._name = uuid4().hex
