"""The proof: history is checked link by link, and the outcomes that people see against what history says."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.core.chain import GENESIS
from ledger.core.json_value import JsonValue
from ledger.store import history, items, recalls
from ledger.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(JsonValue):
    """Whether history is whole; `last_digest`, kept elsewhere, also proves later that nothing was cut off its end.

    `broken_at` is the first entry whose digest does not fit. `disputed` counts items and recalls that are not what
    history says, or not there any more; `disputed_recalls` are their recalls. `known_digest_found` is None when none
    was given.
    """

    ok: bool
    entries: int
    last_digest: str
    broken_at: int | None
    disputed: int
    disputed_recalls: tuple[int, ...]
    known_digest_found: bool | None


@dataclass(slots=True)
class _Said:
    """What history says: how each item ended, and why and on whose word each recall was planned."""

    items: dict[int, tuple[int | None, str, str, str | None]] = field(default_factory=dict)
    planned: dict[int, tuple[str, str]] = field(default_factory=dict)
    started: set[int] = field(default_factory=set)

    def add(self, entry: history.Entry) -> None:
        for item_id, key, outcome, _, reason in entry.detail.get("items") or ():
            self.items[item_id] = (entry.recall_id, key, outcome, reason)
        if entry.recall_id is not None and entry.event == "planned":
            self.planned[entry.recall_id] = (entry.actor, entry.detail["reason"])
        if entry.recall_id is not None and entry.event == "started":
            self.started.add(entry.recall_id)


class Verifier:
    """Reads everything, changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_once(self, known_digest: str | None = None) -> Verification:
        """Check the whole history, and what people see against it, in one consistent state."""
        previous, entries, broken_at = GENESIS, 0, None
        found = None if known_digest is None else known_digest == GENESIS
        message = _Said()
        with self._database.read() as connection:
            for stored in history.read_all(connection):
                entries += 1
                if broken_at is None and history.link(previous, stored.entry) != stored.digest:
                    broken_at = stored.id
                previous = stored.digest
                found = found or (None if known_digest is None else previous == known_digest)
                message.add(stored.entry)
            disputed = [*_disputed_items(connection, message), *_disputed_recalls(connection, message)]
        return Verification(
            ok=broken_at is None and not disputed and found is not False,
            entries=entries,
            last_digest=previous,
            broken_at=broken_at,
            disputed=len(disputed),
            disputed_recalls=tuple(sorted({recall_id for recall_id in disputed if recall_id is not None})),
            known_digest_found=found,
        )


def _disputed_items(connection: Connection, message: _Said) -> Iterator[int | None]:
    """Yield the recall of each item that is not what history says, or that is gone."""
    missing = dict(message.items)
    for item_id, fact in items.facts(connection):
        missing.pop(item_id, None)
        # An item that waits again after a retry has no outcome to dispute.
        if fact[2] is not None and message.items.get(item_id) != fact:
            yield fact[0]
    for recall_id, *_ in missing.values():
        yield recall_id


def _disputed_recalls(connection: Connection, message: _Said) -> Iterator[int]:
    """Yield each recall whose actor or reason is not what history says, or that ran and is gone."""
    present = {recall.id: (recall.actor, recall.reason) for recall in recalls.listed(connection)}
    for recall_id, who_and_why in present.items():
        if message.planned.get(recall_id) != who_and_why:
            yield recall_id
    yield from message.started - present.keys()
