"""Checkpoints as they were kept: read from files, each with where it stood and what its signature is worth."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.core.audit.checkpoint import KIND, Checkpoint
from ledger.core.audit.signing import is_signed_by, key_id
from ledger.errors import UnreadableFileError

INSIDE = "the database"


class Signed(StrEnum):
    """What the signature of a checkpoint is worth."""

    YES = "yes"
    NOT_CHECKED = "not_checked"  # nobody said which key it has to be
    WRONG_KEY = "wrong_key"
    NO = "no"  # it names the key, which did not sign it


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheckpoint:
    """A checkpoint, where it was kept, and what its signature is worth."""

    checkpoint: Checkpoint
    where: str
    signed: Signed


def of_files(paths: Sequence[Path], spoilt: list[str]) -> Iterator[tuple[Checkpoint, str]]:
    """Yield the checkpoints of files, with their lines; raise UnreadableFileError when there is none in one.

    A file is JSON lines, or one document. Lines of something else, as in a log, are passed over; those that name a
    checkpoint and are none any more go to `spoilt`.
    """
    for path in paths:
        try:
            text = path.read_text("utf-8", errors="replace")
        except OSError as error:
            raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from None
        is_empty = True
        for number, line in enumerate(_documents(text), 1):
            try:
                yield Checkpoint.read(json.loads(line)), f"{path}:{number}"
            except (ValueError, RecursionError):
                spoilt += [f"{path}:{number}"] if KIND in line else []
                continue
            is_empty = False
        if is_empty:
            raise UnreadableFileError(f"{path} holds no checkpoint: name a file that `ledger audit checkpoint` wrote")


def _documents(text: str) -> Iterable[str]:
    lines = text.splitlines()
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # In a log, something stands before it.
        return [line[max(line.find("{"), 0) :] for line in lines]
    return [text]


def weighed(checkpoint: Checkpoint, where: str, keys: Sequence[Ed25519PublicKey]) -> KeptCheckpoint:
    """Return a checkpoint with what its signature is worth to who trusts some keys, if any are known."""
    if not keys:
        signed = Signed.NOT_CHECKED
    elif any(is_signed_by(checkpoint, key) for key in keys):
        signed = Signed.YES
    else:
        signed = Signed.NO if checkpoint.key in map(key_id, keys) else Signed.WRONG_KEY
    return KeptCheckpoint(checkpoint=checkpoint, where=where, signed=signed)
