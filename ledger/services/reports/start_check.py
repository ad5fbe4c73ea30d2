"""Where a history begins whose oldest segments have left, held against the entry that tells of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.core.audit.chain_facts import LEFT, ChainFacts, FactSink, differences
from ledger.core.audit.findings import Findings
from ledger.core.audit.history_start import HistoryStart, facts_after, root_of_left
from ledger.store.audit import checkpoints, history, history_starts

_SAID = ("entries", "last_id", "digest", "root")


def begin(connection: Connection, sink: FactSink) -> tuple[HistoryStart, ChainFacts]:
    """Return where the history begins, and the facts that hold there; what is wrong with that, `check` says."""
    start = history_starts.latest(connection)
    detail = told_of(connection)
    try:
        return start, facts_after(sink, detail) if start.entries else ChainFacts(sink)
    except (AttributeError, KeyError, TypeError, ValueError):
        return start, ChainFacts(sink)


def check(connection: Connection, start: HistoryStart, findings: Findings) -> None:
    """Note what is not as the entry says that tells of what has left: how much, its last digest, the kept roots."""
    told = told_of(connection)
    if not told and start == HistoryStart():
        return
    stands = {
        "entries": start.entries,
        "last_id": start.last_id,
        "digest": start.digest,
        "root": kept_root(connection, start),
    }
    says = {name: told.get(name) for name in _SAID}
    if not told:
        findings.add_row("added", "start", None, str(start.entries))
    else:
        findings.add_changed("start", None, None, differences(says, stands))
    for number, recall_id in history_starts.strays(connection, start):
        findings.add_row("added", "start", recall_id, str(number))


def kept_root(connection: Connection, start: HistoryStart) -> str:
    """Return the root over the segments that have left, by the roots that are kept; empty when one is missing."""
    kept = {segment.number: str(segment.root) for segment in checkpoints.segments(connection)}
    return root_of_left([kept.get(number, "?") for number in range(start.segments)])


def told_of(connection: Connection) -> Mapping[str, Any]:
    """Return what the last entry says that tells of what has left; nothing when there is none, or it is no such one."""
    entry = history.last_of(connection, LEFT)
    detail: Any = entry.entry.detail if entry is not None else {}
    return detail if isinstance(detail, Mapping) else {"entries": detail}
