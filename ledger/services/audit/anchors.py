"""Where checkpoints go, so that whoever can rewrite the history cannot rewrite them along with it."""

import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ledger.core.audit.checkpoint import Checkpoint
from ledger.errors import AuditError
from ledger.settings import Settings

# Facility authpriv, severity notice.
_SYSLOG_PRIORITY = 10 * 8 + 5
SYSLOG_SOCKETS = (Path("/dev/log"), Path("/var/run/syslog"))


class Anchor(Protocol):
    """Somewhere outside the database."""

    @property
    def name(self) -> str:
        """What it is called."""

    def take(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint; one that comes twice does no harm. Raise AuditError when it cannot."""


class FileAnchor:
    """A file that lines are appended to."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, checkpoint: Checkpoint) -> None:
        """Append a line, and see it on the disk."""
        try:
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(number, "ab", buffering=0) as file:
                size = os.fstat(number).st_size
                is_torn = bool(size) and os.pread(number, 1, size - 1) != b"\n"
                # In one write: somebody else may append at the same time.
                file.write((b"\n" if is_torn else b"") + checkpoint.to_line().encode() + b"\n")
                os.fsync(number)
        except OSError as error:
            raise AuditError(f"{self._path} cannot be written ({error.strerror})") from None


class OutputAnchor:
    """Standard output, which whatever runs the worker keeps."""

    name = "stdout"

    def take(self, checkpoint: Checkpoint) -> None:
        """Write a line."""
        try:
            sys.stdout.write(f"{checkpoint.to_line()}\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise AuditError(f"standard output cannot be written ({error})") from None


class SyslogAnchor:
    """The machine's log."""

    name = "syslog"

    def __init__(self, sockets: Sequence[Path] = SYSLOG_SOCKETS) -> None:
        self._sockets = sockets

    def take(self, checkpoint: Checkpoint) -> None:
        """Send a message."""
        path = next((path for path in self._sockets if path.exists()), self._sockets[0])
        message = f"<{_SYSLOG_PRIORITY}>ledger: {checkpoint.to_line()}".encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(path))
                sender.send(message)
        except OSError as error:
            raise AuditError(f"{path} does not take messages ({error.strerror})") from None


class WebhookAnchor:
    """An address that keeps what is posted to it."""

    name = "webhook"

    def __init__(self, url: str, post: Callable[[str, bytes, str], bytes]) -> None:
        self._url, self._post = url, post

    def take(self, checkpoint: Checkpoint) -> None:
        """Post it as JSON; any 2xx says that it is kept."""
        self._post(self._url, checkpoint.to_line().encode(), "application/json")


def anchors_of(settings: Settings, post: Callable[[str, bytes, str], bytes]) -> list[Anchor]:
    """Return the places that the settings name."""
    found: list[Anchor] = []
    if settings.audit_checkpoint_file is not None:
        found.append(FileAnchor(settings.audit_checkpoint_file))
    if settings.audit_stream is not None:
        found.append(OutputAnchor() if settings.audit_stream == OutputAnchor.name else SyslogAnchor())
    if settings.audit_webhook_url is not None:
        found.append(WebhookAnchor(settings.audit_webhook_url, post))
    return found
