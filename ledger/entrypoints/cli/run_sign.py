"""The sign that a recorder under `ledger run` leaves, and what it says at the end: one line, also when nothing came.

Every process that loads the recorder writes to one small file, a word a line: that it was loaded, what it recorded, and
which libraries talked to DingTalk past it. The companion holds a lock on it: who gets that knows that it is gone.
"""

import fcntl
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.core.json_value import printable

LOADED, RECORDED, KEYLESS, UNSEEN = "loaded", "recorded", "keyless", "unseen"
JOURNAL, LOST = "journal", "lost"
GATEWAY = "use `ledger gateway`"
LATER = "a worker or the next `ledger campaigns` records them, `ledger doctor` says more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where the sends of a run are that are not in the database: in the spool, set aside, or nowhere but in its log."""

    waiting: int = 0
    refused: int = 0
    lost: frozenset[str] = frozenset()


# Gets the names of the journals of a run.
Find = Callable[[Collection[str]], Whereabouts]


class RunSign:
    """A file for one run; without a folder that can be written there is none, and nothing is said."""

    def __init__(self) -> None:
        self.path: Path | None = None
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(prefix="ledger-run-")
            os.close(descriptor)
            self.path = Path(name)

    def hold(self) -> int | None:
        """Lock the file for as long as the descriptor that is returned is open in some process."""
        if self.path is None:
            return None
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return descriptor
        return None

    def take(self, find: Find) -> str | None:
        """Return the line to say at the end, and remove the file."""
        if self.path is None:
            return None
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
            self.path.unlink()
        except OSError:
            return None
        return line_of(lines, find(_after(lines, JOURNAL)))


class LastWord:
    """Says the line of a run once, whoever comes first to say it; `then` is what to do when it is said."""

    def __init__(self, sign: RunSign, then: Callable[[], None] = lambda: None) -> None:
        self._sign, self._then, self._lock, self._is_said = sign, then, threading.Lock(), False

    def say(self, find: Find) -> None:
        """Write the line to stderr, as far as there is one."""
        with self._lock:
            if self._is_said:
                return
            self._is_said = True
            line = self._sign.take(find)
            if line is not None:
                with suppress(OSError):
                    os.write(2, f"ledger: {printable(line)}\n".encode())
            self._then()


def line_of(lines: list[str], found: Whereabouts) -> str:
    """Return what the words of all processes of a run come to."""
    counts = Counter(line.partition(" ")[0] for line in lines)
    if not counts[LOADED]:
        return (
            "nothing was recorded: no Python of this command loaded the recorder (PYTHONPATH was replaced, -I, env -i, "
            f"or it is not Python): {GATEWAY}"
        )
    lost = len(found.lost | _after(lines, LOST))
    recorded = max(counts[RECORDED] - found.waiting - found.refused - lost, 0)
    text = f"{_number(recorded)} recorded"
    if counts[KEYLESS]:
        text += f", {_number(counts[KEYLESS])} without a key"
    if found.waiting:
        text += f", {found.waiting:,} {'waits' if found.waiting == 1 else 'wait'} in the spool: {LATER}"
    if found.refused:
        text += f"; {found.refused:,} set aside: `ledger doctor` says why"
    if lost:
        text += f"; {lost:,} NOT RECORDED: take the lines that say so back in with `ledger import --from-log FILE`"
    unseen = sorted(_after(lines, UNSEEN))
    if unseen:
        verb = "talked to DingTalk and is" if len(unseen) == 1 else "talked to DingTalk and are"
        text += f"; {', '.join(unseen)} {verb} not recorded: {GATEWAY}"
    return text


def _after(lines: list[str], word: str) -> frozenset[str]:
    return frozenset(line.partition(" ")[2] for line in lines if line.startswith(f"{word} "))


def _number(count: int) -> str:
    return f"{count:,} send{'' if count == 1 else 's'}"
