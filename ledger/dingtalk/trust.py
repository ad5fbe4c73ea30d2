"""Whose certificates count: those of SSL_CERT_FILE or SSL_CERT_DIR, else this machine's and those of certifi together.

Both, because a company's own CA stands in the machine's store, and a slim container has no store at all.
"""

import os
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import certifi

from ledger.core.recalls.pauses import certificates_unreadable


def trusted() -> ssl.SSLContext:
    """Return the one context of this process; raise CertificateError when a variable names nothing usable."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    if not (file or folder):
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=certifi.where())
        return context
    variable, path = ("SSL_CERT_FILE", file or "") if file else ("SSL_CERT_DIR", folder or "")
    try:
        _ = Path(path).read_bytes() if file else list(Path(path).iterdir())
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    except ssl.SSLError:
        raise certificates_unreadable(variable, path, "which holds no certificates") from None
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or error
        raise certificates_unreadable(variable, path, f"which cannot be read ({detail})") from None


def not_trusted(error: BaseException) -> str | None:
    """Return why a certificate was refused, if that is what a failure came from."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "no more is known"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
