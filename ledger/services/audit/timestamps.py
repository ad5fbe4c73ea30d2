"""What a time-stamp authority says (RFC 3161): that a checkpoint was there at a time, on its word and not on ours."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.core.audit.checkpoint import Checkpoint
from ledger.errors import AuditError, UnreadableFileError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

NAME = "tsa"
_QUERY = "application/timestamp-query"
_LIBRARY = "time-stamps need one more library: `pip install 'dingtalk-ledger[timestamps]'`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a time-stamp says; `is_vouched` is None when there were no root certificates to check it by."""

    at: datetime
    is_vouched: bool | None


def stamp_of(checkpoint: Checkpoint, url: str, post: Callable[[str, bytes, str], bytes]) -> dict[str, str]:
    """Return what an authority answers for a signed checkpoint, as the checkpoint holds it; raise AuditError."""
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    except ImportError:
        raise AuditError(_LIBRARY) from None
    data = stamped_bytes(checkpoint)
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    raw = post(url, request.as_bytes(), _QUERY)
    answer = _read(raw)
    if answer.tst_info.nonce != request.nonce:
        raise AuditError("the time-stamp authority answered another question")
    if answer.tst_info.message_imprint.message != hashlib.sha256(data).digest():
        raise AuditError("the time-stamp authority stamped something else")
    return {"response": base64.b64encode(raw).decode(), "authority": url.partition("?")[0]}


def can_read() -> bool:
    """Say whether the library that reads time-stamps is there."""
    return find_spec("rfc3161_client") is not None


def stamped_bytes(checkpoint: Checkpoint) -> bytes:
    """Return what a time-stamp is of: what was signed, a line break, the signature."""
    return checkpoint.signed_bytes() + b"\n" + checkpoint.signature.encode()


def checked(checkpoint: Checkpoint, roots: Sequence["Certificate"]) -> Stamp:
    """Return what the time-stamp of a checkpoint says; raise AuditError when it is of something else, or not whole."""
    try:
        raw = base64.b64decode((checkpoint.timestamp or {}).get("response", ""), validate=True)
    except ValueError:
        raise AuditError("its time-stamp is no base64") from None
    answer, data = _read(raw), stamped_bytes(checkpoint)
    if answer.tst_info.message_imprint.message != hashlib.sha256(data).digest():
        raise AuditError("its time-stamp is of something else")
    return Stamp(
        at=answer.tst_info.gen_time.astimezone(UTC), is_vouched=_is_vouched(answer, data, roots) if roots else None
    )


def roots_of(path: Path) -> "list[Certificate]":
    """Return the root certificates of a file; raise UnreadableFileError."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UnreadableFileError(f"{path} holds no certificates in PEM") from None


def _read(raw: bytes) -> "TimeStampResponse":
    try:
        from rfc3161_client import PKIStatus, decode_timestamp_response
    except ImportError:
        raise AuditError(_LIBRARY) from None
    try:
        answer = decode_timestamp_response(raw)
        status = PKIStatus(answer.status)
    except ValueError:
        raise AuditError("what the time-stamp authority answered is no time-stamp") from None
    if status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
        raise AuditError(f"the time-stamp authority refused: {', '.join(answer.status_string) or status.name}")
    return answer


def _is_vouched(answer: "TimeStampResponse", data: bytes, roots: Sequence["Certificate"]) -> bool:
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        return builder.build().verify_message(answer, data)
    except (VerificationError, ValueError):
        return False
