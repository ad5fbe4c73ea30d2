"""Calls that pass through without the ledger knowing what they are: each kind is said once in the log."""

import logging

from ledger.core.recording.capture import SEND_PATHS
from ledger.core.recording.send_calls import updates_card
from ledger.dingtalk import client

KINDS_MAX = 100
# Those that follow may name people.
_PARTS_SHOWN = 4
_READS = ("GET", "HEAD", "OPTIONS")
_KNOWN = frozenset(
    (
        *client.RECALL_PATHS.values(),
        client.READ_STATUS_PATH,
        client.INTERNAL_TOKEN_PATH,
        client.THIRD_PARTY_TOKEN_PATH,
    )
)

log = logging.getLogger(__name__)


class UnknownCalls:
    """Remembers which kinds of calls were said."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()

    def note(self, method: str, raw_path: str) -> None:
        """Say of a call that may be a send that nothing of it is recorded, when it is the first of its kind."""
        if method in _READS or raw_path in _KNOWN or updates_card(method, raw_path) or len(self._kinds) >= KINDS_MAX:
            return
        parts = raw_path.split("/")[1:]
        kind = f"{method} /{'/'.join(parts[:_PARTS_SHOWN])}{'/…' if len(parts) > _PARTS_SHOWN else ''}"[:200]
        if kind not in self._kinds:
            self._kinds.add(kind)
            log.warning(
                "%s is forwarded, and nothing of it is recorded: the sends that can be recalled are %s",
                kind,
                ", ".join(SEND_PATHS),
            )
