"""What the ledger cannot record, kept as rows that a person can put right and hand in again."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from ledger.clock import format_time
from ledger.core.events.message_events import EventPush, facts_of_push
from ledger.core.recording.capture import Exchange
from ledger.core.recording.message import Message
from ledger.core.recording.row import row_of
from ledger.services.recording.write_apart import Content
from ledger.spool import lines
from ledger.spool.lines import JournalEntry
from ledger.spool.refused import RefusedRows
from ledger.store.schema import REVISION

log = logging.getLogger(__name__)


class Refusals:
    """Keeps what is refused, until a newer program or newer tables may take it."""

    def __init__(self, rows: RefusedRows) -> None:
        self._rows = rows

    def keep(self, content: Content, error: Exception) -> None:
        """Keep what the database does not take; raise OSError when no folder can be written."""
        self._add(_fields_of(content), str(error))

    def keep_entry(self, entry: JournalEntry, reason: str) -> None:
        """Keep what no message could be made of; raise OSError when no folder can be written."""
        if entry.exchange is not None:
            self._add(_pair(entry.exchange), reason)
        elif entry.row is not None:
            self._add(entry.row, reason)
        elif entry.push is not None:
            self._add({"push": facts_of_push(entry.push)}, reason)
        else:
            self._add({"unreadable": entry.unreadable}, reason)

    def offer_again(self) -> None:
        """Let what another version refused be tried once more."""
        if self._rows.paths():
            self._rows.offer_again(_version())

    def _add(self, fields: Mapping[str, Any], reason: str) -> None:
        path = self._rows.add(fields, reason, _version())
        log.critical("this is no message (%s) and is kept in %s: %s", reason, path, dict(fields))


def _fields_of(content: Content) -> Mapping[str, Any]:
    if isinstance(content, EventPush):
        return {"push": facts_of_push(content)}
    return row_of(content) if isinstance(content, Message) else lines.facts_of_trace(content)


def _version() -> str:
    return f"{version('dingtalk-ledger')}, tables {REVISION}"


def _pair(exchange: Exchange) -> dict[str, Any]:
    """Return a send as a row of `import` with a captured request and response."""
    return {
        "request": {"path": exchange.path, "body": exchange.asked},
        "response": {"body": exchange.answered},
        "sentAt": format_time(exchange.sent_at),
        "campaign": exchange.campaign,
        "source": exchange.source,
    }
