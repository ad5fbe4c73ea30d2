"""Files of keys, one a line."""

from ledger.errors import InputError, UnreadableFileError

KEYS_MAX = 200_000


def keys_of(content: bytes, shown: str) -> list[str]:
    """Return the keys of a file that is called so; raise UnreadableFileError for one that holds none."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UnreadableFileError(f"{shown} is not UTF-8 text") from None
    keys = [line.strip() for line in lines if line.strip()]
    if not keys:
        raise UnreadableFileError(f"{shown} holds no key: write one a line")
    return keys


def few_enough(keys: list[str], shown: str) -> list[str]:
    """Return keys; raise InputError for more than one request may name."""
    if len(keys) > KEYS_MAX:
        raise InputError(f"{shown} holds {len(keys):,} keys, and {KEYS_MAX:,} fit at once: split it")
    return keys
