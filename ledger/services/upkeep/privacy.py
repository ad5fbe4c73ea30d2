"""Who else on this machine can read what the ledger keeps, or write where it takes keys from."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from ledger.settings import Settings
from ledger.settings_file import path_of_file
from ledger.spool.places import with_last_resort
from ledger.spool.refused import REFUSED
from ledger.store.database import Database

# SQLite keeps these beside its file.
_BESIDE = ("", "-wal", "-shm")


def troubles(settings: Settings, database: Database) -> list[str]:
    """Return a sentence for each thing that other users of this machine can read or write, with what to do."""
    return [*_readable(settings, database), *_writable(settings)]


def _readable(settings: Settings, database: Database) -> Iterator[str]:
    paths = [path for path in [path_of_file()] if path is not None]
    if database.is_sqlite:
        file = Path(database.url.database or "").absolute()
        paths += [file.with_name(file.name + end) for end in _BESIDE]
    paths += [folder / REFUSED for folder in with_last_resort(*settings.spool_folders)]
    found = [path for path in paths if _mode(path) & stat.S_IROTH and _is_reachable(path)]
    if found:
        names = ", ".join(map(str, found))
        yield f"every user of this machine can read {names}: `chmod o-rwx {_quoted(*found)}`"


def _writable(settings: Settings) -> Iterator[str]:
    spools = with_last_resort(*settings.spool_folders)
    for folder in dict.fromkeys(folder for spool in spools for folder in (spool.parent, spool)):
        mode = _mode(folder)
        # Where only the owner of an entry may move it, as in /tmp, none of ours can be put aside.
        may_write = mode & stat.S_IWOTH and (folder in spools or not mode & stat.S_ISVTX)
        if may_write and _is_reachable(folder):
            who = "every user of this machine can write to the spool"
            yield f"{who} {folder}, and so hand in keys: `chmod o-w {_quoted(folder)}`"


def _quoted(*paths: Path) -> str:
    """Write paths as a shell takes them."""
    return shlex.join(map(str, paths))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:  # not there, or not for us, so that nothing of ours is in it
        return 0


def _is_reachable(path: Path) -> bool:
    """Return whether everybody may pass through all folders above."""
    return all(_mode(folder) & stat.S_IXOTH for folder in Path(os.path.abspath(path)).parents)  # noqa: PTH100
