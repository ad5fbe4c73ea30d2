"""The folders in which a spool may lie: the one that is wanted, a second one if it was set, and the temporary folder.

Only the standard library is used here, since senders without ours write there too.
"""

import os
import stat
from pathlib import Path

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
        raise PermissionError(f"{folder.parent} belongs to somebody else")
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync(folder.parent)


def is_trusted(folder: Path) -> bool:
    """Return whether what lies in a folder is ours: where everybody may make folders, it has to be seen whose it is."""
    if folder.parent.name != _TEMPORARY:
        return True
    try:
        found = folder.parent.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def sync(folder: Path) -> None:
    """Return once the names in a folder are on disk: a file whose name is not there is lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
