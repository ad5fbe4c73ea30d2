"""Where evidence is put: written aside, and moved into its folder when all of it is there.

What was killed on the way leaves a folder in which nothing can be taken for evidence: the next one may use it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from ledger.errors import RefusedFileError, UnwritableFileError

UNFINISHED = ".unfinished-"


class EvidencePlace:
    """A new folder; whoever may not read the database may not read it either."""

    def __init__(self, path: Path, last: str) -> None:
        """Take where it is to be, and the file without which the others are none."""
        self._path, self._last = path, last

    def check(self) -> None:
        """Make the folder; raise RefusedFileError when it cannot be, cannot be written, or has something in it."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_empty()
            self._aside().rmdir()
        except OSError as error:
            why = f"{self._path} cannot be made or written ({error.strerror}): name another folder"
            raise RefusedFileError(why) from None

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Yield the folder to write to, and move into place what is in it then; nothing stays of what fails."""
        try:
            aside = self._aside()
            try:
                yield aside
                self._check_empty()
                # The last one says what all others are.
                for file in sorted(aside.iterdir(), key=lambda one: one.name == self._last):
                    file.rename(self._path / file.name)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise UnwritableFileError(
                f"{self._path} cannot be written ({error.strerror}): name another folder"
            ) from None
        for left in self._path.glob(f"{UNFINISHED}*"):
            with suppress(OSError):
                shutil.rmtree(left)

    def _aside(self) -> Path:
        aside = self._path / f"{UNFINISHED}{uuid4().hex[:8]}"
        aside.mkdir(mode=0o700)
        return aside

    def _check_empty(self) -> None:
        names = {one.name for one in self._path.iterdir()}
        theirs = {name for name in names if not name.startswith(UNFINISHED)}
        if theirs and theirs != names and self._last not in theirs:
            raise RefusedFileError(f"{self._path} is half an export, which was ended: delete it, or name a new folder")
        if theirs:
            raise RefusedFileError(f"{self._path} is not empty: name a new folder")
