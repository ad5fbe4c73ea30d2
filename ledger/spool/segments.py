"""Segments: single files of a journal, made, appended to and synced so that what is confirmed can be read back.

Only the standard library is used here, since senders without ours write segments too.
"""

import errno
import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from . import places
from .frames import framed

_UNBORN = ".new"


@dataclass(slots=True, eq=False)
class Segment:
    """One file, and what is still to happen to it: sends that are not over, and entries not in the database.

    `owed` are lines that it could not take when they came; without them nothing is lost, only said twice.
    """

    path: Path
    descriptor: int
    inode: int
    size: int = 0
    open: int = 0
    unsettled: int = 0
    is_active: bool = True
    is_handed_over: bool = False
    is_broken: bool = False
    is_name_on_disk: bool = False
    owed: list[bytes] = field(default_factory=list)


def create(folder: Path, kind: str) -> Segment:
    """Make a file that nobody sees before it is locked; raise OSError and leave nothing behind."""
    places.make(folder)
    path = folder / (uuid4().hex + kind)
    unborn = path.with_suffix(_UNBORN)
    descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unborn.rename(path)
        return Segment(path=path, descriptor=descriptor, inode=os.fstat(descriptor).st_ino)
    except OSError:
        unborn.unlink(missing_ok=True)
        os.close(descriptor)
        raise


def append(segment: Segment, line: bytes) -> None:
    """Write one line, whole; when that cannot be, raise OSError, and none of it stays to be glued to the next."""
    if segment.is_broken or not is_there(segment):
        raise OSError(errno.ENOENT, "the file was deleted or cannot be written any more", str(segment.path))
    record = framed(line)
    try:
        write_all(segment.descriptor, record)
        segment.size += len(record)
    except OSError:
        _cut_back(segment)
        raise
    except BaseException:  # of a signal handler, and nobody knows how far it got: nothing is cut off here any more
        segment.is_broken = True
        raise


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it; a disk that fills up takes a part first, and says why at the next try."""
    while content:
        content = content[os.write(descriptor, content) :]


def sync(segment: Segment, descriptor: int) -> None:
    """Return once what stands in a segment, and its name, are on disk; raise OSError when that is not sure.

    What a failed fsync leaves is anybody's guess, also when the next one succeeds: the segment is broken then.
    """
    try:
        os.fsync(descriptor)
        if not segment.is_name_on_disk:
            places.sync(segment.path.parent)
            segment.is_name_on_disk = True
        if not is_there(segment):
            raise OSError(errno.ENOENT, "the file was deleted", str(segment.path))
    except OSError:
        segment.is_broken = True
        raise


def is_there(segment: Segment) -> bool:
    """Return whether readers can find a segment: its folder may be deleted or moved while it is written."""
    try:
        return segment.path.stat().st_ino == segment.inode
    except OSError:
        return False


def is_abandoned(file: BinaryIO) -> bool:
    """Take the lock of a segment whose writer is gone; False while it lives, or when somebody deleted the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(file.fileno()).st_nlink > 0


def discard(segment: Segment) -> None:
    """Delete a segment, on which nothing stands that is not elsewhere; where that cannot be, it is read once more."""
    with suppress(OSError):
        segment.path.unlink()
    os.close(segment.descriptor)


def empty(segment: Segment) -> None:
    """Take out everything, which is in the database; where that cannot be, the segment takes no more."""
    try:
        os.ftruncate(segment.descriptor, 0)
    except OSError:
        segment.is_broken = True
        return
    segment.size = 0
    segment.owed.clear()


def _cut_back(segment: Segment) -> None:
    try:
        os.ftruncate(segment.descriptor, segment.size)
    except OSError:
        # Readers skip what is torn; but nobody knows what else is wrong here.
        segment.is_broken = True
