"""The folders in which a spool may lie: the one that is wanted, a second one if it was set, and the temporary folder.

Only the standard library is used here, since senders without ours write there too.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Follow no link that somebody left, and wait for nobody at the other end of a pipe.
UNDECEIVED = os.O_NOFOLLOW | os.O_NONBLOCK
_TEMPORARY = f"dingtalk-ledger-{os.getuid()}"


def with_last_resort(*folders: Path) -> tuple[Path, ...]:
    """Return the folders of a spool with a temporary one as the last, which is not made before somebody writes there.

    Python's own search for a temporary folder writes a file to each, and finds none while the disk is full.
    """
    temporary = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108  (whose it is is looked at below)
    return (*folders, temporary / _TEMPORARY / folders[0].name)


def make(folder: Path) -> None:
    """Make a folder for a spool, if it is not there; raise OSError when that cannot be, or others can write there."""
    if folder.parent.name == _TEMPORARY:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_trusted(folder):
        raise PermissionError(f"{folder}, or what it lies in, belongs to somebody else")
    if not folder.is_dir():
        _make_private(folder)
        sync(folder.parent)


def _make_private(folder: Path) -> None:
    """Make a folder and what it lies in: who received what is nobody else's business.

    A folder for several users is made by whoever wants it.
    """
    if not folder.parent.is_dir():
        _make_private(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)


def is_trusted(folder: Path) -> bool:
    """Return whether what lies in a folder is ours: where everybody may make folders, it has to be seen whose it is."""
    if folder.parent.name != _TEMPORARY:
        return not _may_be_a_strangers(folder)
    try:
        found = folder.parent.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _may_be_a_strangers(folder: Path) -> bool:
    try:
        found, around = folder.stat(), folder.parent.stat()
    except OSError:  # not there yet
        return False
    return bool(around.st_mode & stat.S_IWOTH) and found.st_uid not in (os.getuid(), around.st_uid)


def opened(path: Path) -> BinaryIO:
    """Open a file of a spool to read it; raise OSError for what somebody else may have put there to be taken for one.

    Whoever may write to a folder could leave a link, or a pipe that nobody ever fills, or, where everybody may write,
    keys of his own.
    """
    descriptor = os.open(path, os.O_RDONLY | UNDECEIVED)
    try:
        check(descriptor, path)
        return os.fdopen(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def check(descriptor: int, path: Path) -> None:
    """Raise OSError when an open file of a spool is none that we, or those who share the folder with us, have made."""
    found, folder = os.fstat(descriptor), path.parent.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    if folder.st_mode & stat.S_IWOTH and found.st_uid not in (os.getuid(), folder.st_uid):
        raise PermissionError(errno.EPERM, "it belongs to somebody else, in a folder where all may write", str(path))


def sync(folder: Path) -> None:
    """Return once the names in a folder are on disk: a file whose name is not there is lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
