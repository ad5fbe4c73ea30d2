"""The option that writes a workbook: a file that only who asked for it can read, since it names people."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import RefusedFileError

AsXlsx = Annotated[
    Path | None, typer.Option("--xlsx", metavar="F", help="Write a workbook to a new file that only you can read.")
]


def write_xlsx(path: Path, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write one sheet; raise RefusedFileError where there is a file already, or where none can be made."""
    from ledger.entrypoints.formats.evidence.workbook import write_workbook

    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise RefusedFileError(f"{path} cannot be written ({error.strerror}): name a new file") from None
    try:
        write_workbook(path, [(name, columns, rows)])
    except BaseException:
        # Half a list looks like a whole one.
        with suppress(OSError):
            path.unlink()
        raise
