"""The lines of a journal: what they say, and what they come to when they are read again.

A send leaves two lines, one before its request goes out and one when it is over, so that a program which dies between
them leaves a trace. What was recorded without a send is one line. Only the standard library is used here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..clock import format_time, parse_time
from ..core.events.message_events import EventPush, facts_of_push, push_of
from ..core.recording.capture import Exchange, path_of
from ..core.recording.excerpt import EXCERPT
from ..core.recording.expiry import seconds_of
from ..core.recording.message import Keyless, KeylessSend
from .frames import Record

DIED = "the program ended before an answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What a journal holds for the ledger: a send that is over, a row, or a push; `unreadable` is what is none."""

    exchange: Exchange | None = None
    row: Mapping[str, Any] | None = None
    push: EventPush | None = None
    unreadable: str | None = None


def sending(exchange: Exchange, instead: str | None = None) -> bytes:
    """Write the line of a send whose request is about to leave; it takes the place of the one called `instead`."""
    return _line({"sending": _facts(exchange), **({"instead": instead} if instead else {})})


def _ending(exchange: Exchange) -> dict[str, Any]:
    return {"status": exchange.status, "answered": exchange.answered, "trouble": exchange.trouble}


def _facts(exchange: Exchange) -> dict[str, Any]:
    return {
        "id": exchange.id,
        "path": exchange.path,
        "asked": exchange.asked,
        "sentAt": format_time(exchange.sent_at),
        "campaign": exchange.campaign,
        "source": exchange.source,
        **({"expiresIn": exchange.expires_in} if exchange.expires_in is not None else {}),
    }


def over(exchange: Exchange) -> bytes:
    """Write the line of a send that is over, with its answer or with why there is none."""
    return _line({"over": exchange.id, **_ending(exchange)})


def whole(exchange: Exchange) -> bytes:
    """Write one line with all of a send that is over, for where its beginning does not stand."""
    return _line({"whole": _facts(exchange), **_ending(exchange)})


def last_word(exchange: Exchange) -> str:
    """Say all of a send in one line of a log, for `ledger import --from-log` to take it back in; nothing is raised."""
    try:
        # What a message says does not belong into a log.
        asked = {name: value for name, value in exchange.asked.items() if name != EXCERPT}
        return whole(replace(exchange, asked=asked)).decode("ascii").rstrip("\n")
    except Exception:  # whatever is wrong with it, its key is worth a line
        return repr(exchange)


def void(exchange_id: str) -> bytes:
    """Write the line of a send that certainly never left."""
    return _line({"void": exchange_id})


def row(fields: Mapping[str, Any]) -> bytes:
    """Write the line of a row, as in `import`, that could not be recorded yet."""
    return _line({"row": fields})


def push(one: EventPush) -> bytes:
    """Write the line of a push of events."""
    return _line({"push": facts_of_push(one)})


def trace(send: KeylessSend) -> bytes:
    """Write the line of a send without a key that could not be recorded yet."""
    return _line(facts_of_trace(send))


def facts_of_trace(send: KeylessSend) -> dict[str, Any]:
    """Return what that line says."""
    asked = {
        "robotCode": send.robot_code,
        "userIds": list(send.recipients),
        "openConversationId": send.open_conversation_id,
    }
    exchange = Exchange(
        id=send.trace,
        path=path_of(send.chat),
        asked=asked,
        sent_at=send.sent_at,
        campaign=send.campaign,
        source=send.source,
    )
    return {"trace": _facts(exchange), "trouble": send.why, "kind": send.kind.value}


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str).encode("ascii") + b"\n"


@dataclass(slots=True)
class LineReplay:
    """Records in, what they come to out; sends that are not over are remembered until they are."""

    open: dict[str, Exchange] = field(default_factory=dict)

    def add(self, record: Record) -> list[JournalEntry]:
        """Take one record in; return what is complete with it."""
        text = record.content.decode("utf-8", "replace").rstrip("\n")
        if record.is_damaged:
            return [JournalEntry(unreadable=text)]
        try:
            return self._complete(_parsed(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return [JournalEntry(unreadable=text)]

    def _complete(self, detail: Mapping[str, Any]) -> list[JournalEntry]:
        if "sending" in detail:
            exchange = _exchange(detail["sending"])
            self.open[exchange.id] = exchange
            self.open.pop(detail.get("instead", ""), None)
            return []
        if "void" in detail:
            self.open.pop(detail["void"], None)
            return []
        if "over" in detail:
            return [JournalEntry(exchange=_over(self.open.pop(detail["over"]), detail))]
        if "whole" in detail:
            exchange = _exchange(detail["whole"])
            self.open.pop(exchange.id, None)
            return [JournalEntry(exchange=_over(exchange, detail))]
        if "trace" in detail:
            kind = Keyless(detail.get("kind", Keyless.NO_KEY))
            trace = replace(_exchange(detail["trace"]), trouble=str(detail["trouble"]), keyless=kind)
            return [JournalEntry(exchange=trace)]
        if "push" in detail:
            return [JournalEntry(push=push_of(detail["push"]))]
        if "unreadable" in detail:  # refused by another version
            return self.add(Record(str(detail["unreadable"]).encode("utf-8", "replace")))
        # A row of our own, or as `import` takes it, from the file of refused ones.
        return [JournalEntry(row=dict(detail["row"] if "row" in detail else _of_import(detail)))]

    def close(self) -> list[JournalEntry]:
        """Return the sends that nobody will end any more: whether they reached anybody is unknown."""
        left = [JournalEntry(exchange=replace(exchange, trouble=DIED)) for exchange in self.open.values()]
        self.open = {}
        return left


def _parsed(text: str) -> Mapping[str, Any]:
    detail, end = json.JSONDecoder().raw_decode(text.lstrip())
    rest = text.lstrip()[end:].strip()
    # An older version wrote the reason behind what it refused.
    if rest and not rest.startswith("# "):
        raise ValueError(text)
    if not isinstance(detail, dict):
        raise TypeError(text)
    return detail


def _of_import(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    if "processQueryKey" not in detail and "request" not in detail:
        raise KeyError("processQueryKey")
    return detail


def _exchange(facts: Mapping[str, Any]) -> Exchange:
    return Exchange(
        id=str(facts["id"]),
        path=str(facts["path"]),
        asked=dict(facts["asked"]),
        sent_at=_moment(facts["sentAt"]),
        campaign=facts["campaign"],
        source=facts["source"],
        expires_in=seconds_of(facts.get("expiresIn")),
    )


def _over(begun: Exchange, detail: Mapping[str, Any]) -> Exchange:
    return replace(begun, status=detail["status"], answered=dict(detail["answered"]), trouble=detail["trouble"])


def _moment(text: str) -> datetime:
    try:
        return parse_time(text)
    except Exception as error:
        raise ValueError(text) from error
