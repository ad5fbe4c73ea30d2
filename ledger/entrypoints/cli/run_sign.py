"""The sign that a recorder under `ledger run` leaves, and what it says at the end: one line, also when nothing came.

Every process that loads the recorder writes to one small file, a word a line: that it was loaded, what it recorded, and
which libraries talked to DingTalk past it.
"""

import os
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

LOADED, RECORDED, KEYLESS, UNSEEN = "loaded", "recorded", "keyless", "unseen"
GATEWAY = "use `ledger gateway`"


class RunSign:
    """A file for one run; without a folder that can be written there is none, and nothing is said."""

    def __init__(self) -> None:
        self.path: Path | None = None
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(prefix="ledger-run-")
            os.close(descriptor)
            self.path = Path(name)

    def take(self) -> str | None:
        """Return the line to say at the end, and remove the file."""
        if self.path is None:
            return None
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
            self.path.unlink()
        except OSError:
            return None
        return line_of(lines)


def say_at_the_end(sign: RunSign) -> None:
    """Write the line to stderr, as far as there is one."""
    line = sign.take()
    if line is not None:
        with suppress(OSError):
            os.write(2, f"ledger: {line}\n".encode())


def line_of(lines: list[str]) -> str:
    """Return what the words of all processes of a run come to."""
    counts = Counter(line.partition(" ")[0] for line in lines)
    if not counts[LOADED]:
        return (
            "nothing was recorded: no Python of this command loaded the recorder (PYTHONPATH was replaced, -I, env -i, "
            f"or it is not Python): {GATEWAY}"
        )
    unseen = sorted({line.partition(" ")[2] for line in lines if line.startswith(f"{UNSEEN} ")})
    text = f"{_number(counts[RECORDED])} recorded"
    if counts[KEYLESS]:
        text += f", {_number(counts[KEYLESS])} without a key"
    if unseen:
        verb = "talked to DingTalk and is" if len(unseen) == 1 else "talked to DingTalk and are"
        text += f"; {', '.join(unseen)} {verb} not recorded: {GATEWAY}"
    return text


def _number(count: int) -> str:
    return f"{count:,} send{'' if count == 1 else 's'}"
