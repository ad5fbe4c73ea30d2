"""Disks that the ledger writes to: whether they can be written, and for how long."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ledger.settings import Settings
from ledger.spool import places
from ledger.store.database import Database

# Below the first somebody should make room, below the second nothing can be promised.
LITTLE_BYTES = 100_000_000
NOTHING_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One folder that is written to: how much room it has, or what is wrong with it."""

    folder: Path
    free_bytes: int = 0
    trouble: str | None = None

    @property
    def is_nearly_full(self) -> bool:
        """Say whether somebody should make room."""
        return self.trouble is None and self.free_bytes < LITTLE_BYTES


def look_at(folder: Path) -> Disk:
    """Look at a folder, which need not be there yet; nothing is written."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        free = shutil.disk_usage(there).free
        is_read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    except OSError as error:
        return Disk(folder=folder, trouble=f"cannot be looked at ({error.strerror})")
    if is_read_only or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Disk(folder=folder, trouble="cannot be written")
    full = "is on a disk that is full: make room" if free < NOTHING_BYTES else None
    return Disk(folder=folder, free_bytes=free, trouble=full)


def probe(folder: Path) -> Disk:
    """Look at a folder and write there, as the spool would."""
    try:
        places.make(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"probe" * 1000)
            file.flush()
    except OSError as error:
        return Disk(folder=folder, trouble=f"cannot be written ({error.strerror or error})")
    return look_at(folder)


def folder_of(database: Database) -> Path | None:
    """Return the folder of an SQLite file; None for a server."""
    return Path(database.url.database or "").absolute().parent if database.is_sqlite else None


def troubles(settings: Settings, database: Database) -> dict[str, str]:
    """Return what is wrong with the disks, by what they are for, in words that may be shown to anybody."""
    folders = {"spool": settings.spool_folder, "disk": folder_of(database)}
    found = {name: look_at(folder).trouble for name, folder in folders.items() if folder is not None}
    return {name: f"its folder {trouble}: `ledger doctor` says more" for name, trouble in found.items() if trouble}
