"""Who else on this machine can read what the ledger keeps, or write where it takes keys from."""

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from ledger.services.upkeep import strangers
from ledger.settings import Settings
from ledger.settings_file import path_of_file
from ledger.spool.places import with_last_resort
from ledger.spool.refused import REFUSED
from ledger.store.database import Database

# SQLite keeps these beside its file.
_BESIDE = ("-wal", "-shm")


def troubles(settings: Settings, database: Database) -> list[str]:
    """Return a sentence for each thing that other users of this machine can read or write, with what to do."""
    told = [*_readable(settings, database), *_replaceable(database), *_writable(settings)]
    keepers = [folder.stat().st_uid for folder in _spools(settings)[:1] if folder.exists()]
    return [*told, *strangers.troubles(_with_secrets(settings), keepers)]


def _readable(settings: Settings, database: Database) -> Iterator[str]:
    paths = _with_secrets(settings)
    if database.is_sqlite:
        file = _real(Path(database.url.database or ""))
        # They have its rights, and go when nobody has it open: named they are only where they alone can be read.
        beside = [file.with_name(file.name + end) for end in _BESIDE]
        paths += [file] if _mode(file) & stat.S_IROTH else beside
    paths += [folder / REFUSED for folder in _spools(settings)]
    found = [path for path in paths if _mode(path) & stat.S_IROTH and _is_reachable(path)]
    if found:
        names = ", ".join(map(str, found))
        yield f"every user of this machine can read {names}: `chmod o-rwx {_quoted(*found)}`"


def _with_secrets(settings: Settings) -> list[Path]:
    """Return the files that hold secrets, and not only what the ledger keeps."""
    tickets = [app.suite_ticket_file for app in settings.apps.values()]
    found = [path_of_file(), settings.audit_key_file, *tickets]
    return [_real(path) for path in dict.fromkeys(found) if path is not None]


def _replaceable(database: Database) -> Iterator[str]:
    if not database.is_sqlite:
        return
    folder = _real(Path(database.url.database or "")).parent
    mode = _mode(folder)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX and _is_reachable(folder):
        yield f"every user of this machine can replace the database in {folder}: `chmod o-w {_quoted(folder)}`"


def _writable(settings: Settings) -> Iterator[str]:
    spools = _spools(settings)
    for folder in dict.fromkeys(folder for spool in spools for folder in (spool.parent, spool)):
        mode = _mode(folder)
        # Where only the owner of an entry may move it, as in /tmp, none of ours can be put aside.
        may_write = mode & stat.S_IWOTH and (folder in spools or not mode & stat.S_ISVTX)
        if may_write and _is_reachable(folder):
            who = "every user of this machine can write to the spool"
            yield f"{who} {folder}, and so hand in keys: `chmod o-w {_quoted(folder)}`"


def _spools(settings: Settings) -> list[Path]:
    return [_real(folder) for folder in with_last_resort(*settings.spool_folders)]


def _real(path: Path) -> Path:
    """Return where a path leads: SQLite keeps its other files beside the real one, and rights are those of there."""
    return Path(os.path.realpath(path))


def _quoted(*paths: Path) -> str:
    """Write paths as a shell takes them."""
    return shlex.join(map(str, paths))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:  # not there, or not for us, so that nothing of ours is in it
        return 0


def _is_reachable(path: Path) -> bool:
    """Return whether everybody may pass through all folders above a real path."""
    return all(_mode(folder) & stat.S_IXOTH for folder in path.parents)
