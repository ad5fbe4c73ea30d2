"""The key that signs checkpoints: made, and read from a file or from what a command writes. It is never stored."""

import os
import shlex
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.core.audit.signing import key_id, make_key, private_pem, public_pem, read_private_key, read_public_key
from ledger.errors import AuditError, RefusedFileError, SettingsError, UnreadableFileError
from ledger.settings import Settings

COMMAND_SECONDS = 30
PUBLIC_SUFFIX = ".pub"
NO_KEY = "there is no key to sign with: `ledger audit keygen FILE`, then set LEDGER_AUDIT_KEY_FILE to FILE"


def generate(path: Path) -> str:
    """Write a new key to a file that only its owner can read, and its public half beside it; return its name."""
    if not path.name or path.name == "..":
        raise RefusedFileError(f"{path} is a folder: name a file in it")
    key = make_key()
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    for file, mode, pem in ((path, 0o600, private_pem(key)), (public, 0o644, public_pem(key.public_key()))):
        try:
            number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise RefusedFileError(f"{file} is there already: name another file, for keys are never replaced") from None
        except OSError as error:
            raise RefusedFileError(f"{file} cannot be made ({error.strerror}): name another file") from None
        with os.fdopen(number, "wb") as out:
            os.fchmod(number, mode)
            out.write(pem)
            out.flush()
            os.fsync(number)
    return key_id(key.public_key())


def has_key(settings: Settings) -> bool:
    """Say whether the settings name a key."""
    return settings.audit_key_file is not None or settings.audit_key_command is not None


def private_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key that the settings name; raise AuditError with what to do."""
    if settings.audit_key_file is not None and settings.audit_key_command is not None:
        raise SettingsError("LEDGER_AUDIT_KEY_FILE and LEDGER_AUDIT_KEY_COMMAND are both set: leave one of them")
    if settings.audit_key_file is not None:
        where, pem = "LEDGER_AUDIT_KEY_FILE", _content(settings.audit_key_file)
    elif settings.audit_key_command is not None:
        where, pem = "LEDGER_AUDIT_KEY_COMMAND", _output(settings.audit_key_command)
    else:
        raise AuditError(NO_KEY)
    try:
        return read_private_key(pem)
    except ValueError as error:
        raise AuditError(f"{where} gives no key: {error}") from None


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key of a file; a private one has it too. Raise UnreadableFileError."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return read_public_key(pem) if b"PRIVATE KEY" not in pem else read_private_key(pem).public_key()
    except ValueError as error:
        raise UnreadableFileError(f"{path}: {error}") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuditError(f"the key {path} cannot be read ({error.strerror}): check LEDGER_AUDIT_KEY_FILE") from None


def _output(command: str) -> bytes:
    """Return what a command writes; what it complains of may hold secrets, and is kept from everybody."""
    fix = "check LEDGER_AUDIT_KEY_COMMAND"
    try:
        words = shlex.split(command)
        done = subprocess.run(words, capture_output=True, timeout=COMMAND_SECONDS, check=False)  # noqa: S603  (the operator's own)
    except (OSError, ValueError, IndexError) as error:
        raise AuditError(f"the command for the key cannot be run ({error}): {fix}") from None
    except subprocess.TimeoutExpired:
        raise AuditError(f"the command for the key took more than {COMMAND_SECONDS} s: {fix}") from None
    if done.returncode:
        raise AuditError(f"the command for the key ended with {done.returncode}: {fix}")
    return done.stdout
