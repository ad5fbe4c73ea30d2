"""What no message could be made of: kept in a file of JSON lines, each with its reason, until a person has looked.

The lines are rows as `ledger import` takes them, wherever one could be made. A newer program or newer tables may know
what to do with them: then they are offered again.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from ledger.spool import places
from ledger.spool.journal import OWN
from ledger.spool.segments import write_all

REFUSED = "refused.jsonl"
# Beside the fields of a row: why it was refused, and by which version of the program and of the tables.
REASON = "refused"


class RefusedRows:
    """The files of refused rows in the folders of a spool; several processes may share them."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def add(self, fields: Mapping[str, Any], reason: str, version: str) -> Path:
        """Keep a row, on disk, and return its file; raise OSError when no folder can be written."""
        whole = {**fields, REASON: {"reason": reason, "version": version}}
        line = json.dumps(whole, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii") + b"\n"
        failure: OSError | None = None
        for folder in self._folders:
            try:
                return _add(folder, line)
            except OSError as error:
                failure = failure or error
        raise failure or OSError("there is no folder for the spool")

    def paths(self) -> list[Path]:
        """Return the files that hold something."""
        found = [folder / REFUSED for folder in self._folders if places.is_trusted(folder)]
        return [path for path in found if _lines(path)]

    def count(self) -> int:
        """Return how many rows there are."""
        return sum(len(_lines(path)) for path in self.paths())

    def change(self, changed: Callable[[str], str]) -> int:
        """Write the lines anew that are others when they are changed; return how many; raise OSError."""
        return sum(_change(path, changed) for path in self.paths())

    def count_changed(self, changed: Callable[[str], str]) -> int:
        """Return how many lines that would be."""
        return sum(changed(line) != line for line in self.lines())

    def lines(self) -> Iterator[str]:
        """Yield what stands there."""
        yield from (line.decode("utf-8", "replace") for path in self.paths() for line in _lines(path))

    def offer_again(self, version: str) -> None:
        """Give what another version refused to whoever replays the spool: its file becomes one of the journals."""
        for path in self.paths():
            if all(_version_of(line) == version for line in _lines(path)):
                continue
            try:
                descriptor = _locked(path, os.O_WRONLY)
            except FileNotFoundError:  # another process was quicker
                continue
            try:
                path.rename(path.with_name(uuid4().hex + OWN))
            finally:
                os.close(descriptor)


def _add(folder: Path, line: bytes) -> Path:
    places.make(folder)
    path = folder / REFUSED
    descriptor = _locked(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    places.sync(folder)
    return path


def _change(path: Path, changed: Callable[[str], str]) -> int:
    """Put another file in the place of one, while nobody adds to it: whoever dies over it leaves one of the two."""
    try:
        descriptor = _locked(path, os.O_WRONLY)
    except FileNotFoundError:  # it was offered again
        return 0
    try:
        before = [line.decode("utf-8", "replace") for line in _lines(path)]
        after = [changed(line) for line in before]
        if after != before:
            _replace(path, "".join(f"{line}\n" for line in after).encode())
    finally:
        os.close(descriptor)
    return sum(one != other for one, other in zip(before, after, strict=True))


def _replace(path: Path, content: bytes) -> None:
    unborn = path.with_suffix(".new")
    unborn.unlink(missing_ok=True)
    descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unborn.rename(path)
    places.sync(path.parent)


def _locked(path: Path, flags: int) -> int:
    """Open a file and lock it; another process may give it another name meanwhile."""
    while True:
        descriptor = os.open(path, flags | places.UNDECEIVED, 0o600)
        try:
            # Where it cannot be read, it is not written either.
            places.check(descriptor, path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lines(path: Path) -> list[bytes]:
    try:
        with places.opened(path) as file:
            return [line for line in file.read().splitlines() if line.strip()]
    except OSError:
        return []


def _version_of(line: bytes) -> str | None:
    try:
        version: str | None = json.loads(line)[REASON]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return version
