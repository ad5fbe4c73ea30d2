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
LARGEST_PAGE_BYTES = 4 * 1024 * 1024
# A page that has nothing left is emptied when it has grown to this, so that it is neither rewritten all the time nor
# grows for ever.
EMPTY_AFTER_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class Page:
    """One file, and what is still to happen to it: sends that are not over, and entries not in the database."""

    path: Path
    descriptor: int
    size: int = 0
    open: int = 0
    unsettled: int = 0
    is_active: bool = True
    is_left_to_others: bool = False


class Journal:
    """Appends lines; safe to share between threads, and forgotten by a process that is forked off.

    Every method that writes raises OSError when the disk does.
    """

    def __init__(self, folder: Path, kind: str = OWN) -> None:
        self._folder, self._kind = folder, kind
        self._name, self._numbers = uuid4().hex, itertools.count()
        self._lock = threading.Lock()
        self._active: Page | None = None
        self._open_pages: set[Page] = set()
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

    def new_id(self) -> str:
        """Return a name for a send that no other send anywhere has; random numbers for each would take too long."""
        return f"{self._name}-{next(self._numbers)}"

    def begin(self, line: bytes) -> Page:
        """Write that a send is about to leave; its end goes to the page that is returned."""
        with self._lock:
            page = self._append(line)
            page.open += 1
            return page

    def end(self, page: Page, line: bytes, *, leaves_entry: bool = True) -> None:
        """Write how a send ended; when that leaves something to record, it waits until it is settled."""
        with self._lock:
            if page not in self._open_pages:
                return
            page.open -= 1
            try:
                self._write(page, line)
                page.unsettled += leaves_entry
            finally:
                self._tidy(page)

    def add(self, line: bytes) -> Page:
        """Write an entry that is whole by itself; it waits until it is settled."""
        with self._lock:
            page = self._append(line)
            page.unsettled += 1
            return page

    def settle(self, page: Page, entries: int = 1) -> None:
        """Forget entries of a page that are in the database now."""
        with self._lock:
            page.unsettled -= entries
            self._tidy(page)

    def leave_to_others(self, page: Page) -> None:
        """Give up a page: once it is let go, whoever can reach the database takes in what is on it."""
        with self._lock:
            page.is_left_to_others = True
            self._tidy(page)

    @property
    def leaves_something(self) -> bool:
        """Say whether some page is left to others and not let go yet."""
        return any(page.is_left_to_others for page in tuple(self._open_pages))

    def let_go(self) -> None:
        """Write no more to pages that are left to others, so that they are taken in as soon as their sends are over."""
        with self._lock:
            for page in [page for page in self._open_pages if page.is_left_to_others]:
                self._retire(page)
                self._tidy(page)

    def sync(self, page: Page) -> None:
        """Return once what stands on a page is on disk."""
        with self._lock:
            if page not in self._open_pages:
                return
            descriptor = os.dup(page.descriptor)
        # Outside the lock: nobody's send is held up by a slow disk.
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let every page go; what is left on them is taken in by others. The journal can be used again afterwards."""
        with self._lock:
            for page in list(self._open_pages):
                page.open, page.is_left_to_others = 0, page.unsettled > 0 or page.open > 0
                self._retire(page)
                self._tidy(page)

    def _append(self, line: bytes) -> Page:
        if self._active is None:
            self._active = self._new_page()
        elif self._active.size > LARGEST_PAGE_BYTES:
            full = self._active
            self._active = self._new_page()
            full.is_active = False
            self._tidy(full)
        self._write(self._active, line)
        return self._active

    def _write(self, page: Page, line: bytes) -> None:
        written = os.write(page.descriptor, line)
        if written != len(line):
            # Half a line is none: what follows must not be glued to it.
            page.size += written
            os.write(page.descriptor, b"\n")
            raise OSError(f"the disk took {written} of {len(line)} bytes")
        page.size += written

    def _new_page(self) -> Page:
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
        page = Page(path=path, descriptor=descriptor, is_left_to_others=self._kind == FEED)
        self._open_pages.add(page)
        return page

    def _retire(self, page: Page) -> None:
        page.is_active = False
        if self._active is page:
            self._active = None

    def _tidy(self, page: Page) -> None:
        """Empty, delete or let go of a page of which nothing is left for us to do."""
        if page.open > 0 or page not in self._open_pages:
            return
        if page.is_active:
            if page.unsettled == 0 and page.size > EMPTY_AFTER_BYTES and not page.is_left_to_others:
                os.ftruncate(page.descriptor, 0)
                page.size = 0
            return
        if page.unsettled > 0 and not page.is_left_to_others:
            return
        self._open_pages.discard(page)
        try:
            if page.is_left_to_others and page.size > 0:
                os.fsync(page.descriptor)
            else:
                page.path.unlink(missing_ok=True)
        finally:
            os.close(page.descriptor)

    def _forget(self) -> None:
        """Start anew in a process that was forked off: pages and locks are those of the one that forked."""
        self._lock = threading.Lock()
        for page in self._open_pages:
            os.close(page.descriptor)
        self._open_pages, self._active = set(), None
        self._name = uuid4().hex
