"""The companion of a sender under `ledger run`: a process beside it that takes in what its hooks write down."""

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.entrypoints.cli.inbox import Inbox
from ledger.entrypoints.cli.run_sign import LastWord, RunSign, Whereabouts
from ledger.settings import Settings
from ledger.spool.frames import Record
from ledger.spool.journal import FEED
from ledger.spool.lines import LineReplay
from ledger.spool.places import with_last_resort
from ledger.spool.spool import Spool

if TYPE_CHECKING:
    from ledger.parts import Parts

LOOK_SECONDS = 0.2
# So long it leaves a database alone that failed.
PAUSE_SECONDS = 2.0
# So long it goes on when the sender is gone; what it cannot take in by then waits in the spool for anybody.
PATIENCE_SECONDS = 20.0
# So long the line at the end waits for what is not in the database yet: a busy machine takes seconds to load us.
LINE_SECONDS = 5.0


def start(settings: Settings, sign: RunSign | None = None, inbox: Inbox | None = None) -> None:
    """Start the companion of this process, which is about to become the sender.

    Nothing ties the two together: the companion is nobody's child that the sender could wait for, has no terminal,
    and holds none of the sender's files open but stderr, on which it says one line as soon as the sender is gone.
    """
    sender = os.getpid()
    watched = _opened(sender)
    held = sign.hold() if sign is not None else None
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _let_go([one for one in (watched, held, inbox.fileno() if inbox else None) if one is not None])
            last_word = LastWord(sign, then=_close_stderr) if sign is not None else None
            accompany(settings, _ending_of(sender, watched), inbox, last_word)
    finally:
        os._exit(0)


def accompany(
    settings: Settings,
    is_gone: Callable[[float], bool],
    inbox: Inbox | None = None,
    last_word: LastWord | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Take in what the sender writes down until it is gone and nothing is left; `is_gone` waits for so many seconds.

    The last word is said as soon as it is known what became of all sends, or the database turns out to be away.
    """
    # What stderr has is the sender's, which is told what it has to know.
    logging.lastResort = None
    held = _Held(settings)
    say = partial(last_word.say, held.find) if last_word is not None else _say_nothing
    try:
        _take_in(held, with_last_resort(*settings.spool_folders), is_gone, inbox, say, patience_seconds)
    finally:
        say()


def _take_in(
    held: "_Held",
    folders: Sequence[Path],
    is_gone: Callable[[float], bool],
    inbox: Inbox | None,
    say: Callable[[], None],
    patience_seconds: float,
) -> None:
    if inbox is not None:
        inbox.serve(held.take)
    until = None
    while until is None or time.monotonic() < until:
        if until is None and is_gone(LOOK_SECONDS):
            until = time.monotonic() + patience_seconds
            _say_within(LINE_SECONDS, say)
        if _is_busy(inbox):
            time.sleep(LOOK_SECONDS if until is not None else 0)
        elif not any(map(_has_feeds, folders)):
            if until is not None:
                return
            continue
        if not held.replay():
            if until is not None:
                say()
            time.sleep(PAUSE_SECONDS)
        elif until is not None and not _is_busy(inbox):
            return


def _is_busy(inbox: Inbox | None) -> bool:
    return inbox is not None and inbox.is_busy


def _say_within(seconds: float, say: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, say)
    timer.daemon = True
    timer.start()


def _say_nothing() -> None:
    """Say nothing: there is no line to say."""


class _Held:
    """The parts of a ledger, made when they are first needed: most of what a companion costs is loading them."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._folders = with_last_resort(*settings.spool_folders)
        self._parts: Parts | None = None
        self._refused, self._left, self._lost = 0, 0, set[str]()

    def parts(self) -> "Parts":
        """Return them."""
        with self._lock:
            if self._parts is None:
                from ledger.parts import Parts

                self._parts = Parts(self._settings)
            return self._parts

    def replay(self) -> bool:
        """Take in what waits in the spool; return whether the database took it."""
        try:
            done = self.parts().recorder.replay()
        except Exception:  # it has nobody to tell: `ledger doctor` shows what waits, and why
            return False
        self._refused, self._left = self._refused + done.refused, done.left
        return True

    def take(self, records: Sequence[Record]) -> list[bool]:
        """Record what the sender hands over; return of each whether it is on disk."""
        return [self._keep(record) for record in records]

    def find(self, journals: Collection[str]) -> Whereabouts:
        """Return where the sends of some journals are that are not in the database."""
        # Of a ledger that cannot even be built nothing was replayed.
        spool = self._parts.recorder if self._parts is not None else Spool(*self._folders)
        waiting = spool.count_waiting(journals)
        return Whereabouts(waiting=waiting + self._left, refused=self._refused, lost=frozenset(self._lost))

    def _keep(self, record: Record) -> bool:
        entries = LineReplay().add(record)
        try:
            is_kept = self.parts().recorder.keep_entries(entries)
        except Exception:  # the sender says what is not kept
            is_kept = False
        if not is_kept:
            self._lost.update(entry.exchange.id for entry in entries if entry.exchange and entry.exchange.has_key)
        return is_kept


def _close_stderr() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _has_feeds(folder: Path) -> bool:
    try:
        return any(entry.name.endswith(FEED) and entry.stat().st_size for entry in os.scandir(folder))
    except OSError:
        return False


def _opened(process: int) -> int | None:
    """Open a process, as Linux can, so that its number cannot be taken for that of a later one."""
    try:
        return os.pidfd_open(process)
    except (AttributeError, OSError):
        return None


def _ending_of(process: int, descriptor: int | None) -> Callable[[float], bool]:
    """Return what waits for the end of a process, for so many seconds, and says whether it came."""
    if descriptor is not None:
        return lambda seconds: bool(select.select([descriptor], [], [], seconds)[0])
    return lambda seconds: _is_gone(process, seconds)


def _is_gone(process: int, seconds: float) -> bool:
    time.sleep(seconds)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _let_go(but: Collection[int]) -> None:
    """Give up what belongs to the sender: its input and output but stderr, its open files, its signals."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)
    start = 3
    for kept in sorted(but):
        os.closerange(start, kept)
        start = max(kept + 1, start)
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # A supervisor that ends everything means the sender; what is left is taken in a moment later.
        signal.signal(number, signal.SIG_IGN)
