"""The TOML file that LEDGER_CONFIG names: found, read, and refused in a sentence when it is no such file."""

import os
import stat
from pathlib import Path
from typing import Any

from ledger.database_url import with_home
from ledger.errors import SettingsError

VARIABLE = "LEDGER_CONFIG"
LARGEST_BYTES = 1_000_000


def path_of_file() -> Path | None:
    """Return the path that LEDGER_CONFIG names; an empty one is none."""
    text = os.environ.get(VARIABLE, "").strip()
    try:
        return Path(with_home(text)) if text else None
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}: {error}") from None


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file holds, as it stands there; raise SettingsError."""
    import tomllib

    try:
        found = path.stat()
        if path != Path(os.devnull) and not stat.S_ISREG(found.st_mode):
            # A pipe would keep everybody waiting, and be empty for whoever reads it next.
            raise SettingsError(f"{VARIABLE} names {path}, which cannot be read: it is {_kind(found.st_mode)}, no file")
        if found.st_size > LARGEST_BYTES:
            raise SettingsError(f"{VARIABLE} names {path}, which has more than {LARGEST_BYTES:,} bytes: no settings do")
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SettingsError(_why(path, error)) from None


def _why(path: Path, error: OSError | ValueError) -> str:
    from tomllib import TOMLDecodeError

    if isinstance(error, TOMLDecodeError):
        return f"{path} is not TOML: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"{path} is not TOML: byte {error.start + 1} is not UTF-8; save it as UTF-8"
    return f"{VARIABLE} names {path}, which cannot be read: {getattr(error, 'strerror', None) or error}"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
