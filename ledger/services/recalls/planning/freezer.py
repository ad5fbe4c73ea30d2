"""Freezing: what a plan saw becomes items and skips once it is run, some at a time, beside the first calls.

Each part is one transaction, which writes the rows, where the next part begins, and the digest of the rows. So it does
not matter who does it, or who dies over it: the next one goes on where the last part ended.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.clock import CLOCKS_DIFFER, Clock
from ledger.core.access.actors import WORKER
from ledger.core.recalls.plan_messages import PlanMessages, digest_of
from ledger.core.recalls.recall import Status
from ledger.store.audit import commitments, history
from ledger.store.database import Database
from ledger.store.recalls import endings, plan_messages, plans, recalls
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP, fact_of, sizes_of

# So many items hold SQLite's write lock for some 40 ms; then others have it.
ROWS_PER_TRANSACTION = 1000
ROWS_PER_TRANSACTION_POSTGRESQL = 2000
MANY_ITEMS = 2000

log = logging.getLogger(__name__)


class Freezer:
    """Freezes recalls that were started, or cancelled; keeps in memory what the one it is at has yet to freeze."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._rows = ROWS_PER_TRANSACTION if database.is_sqlite else ROWS_PER_TRANSACTION_POSTGRESQL
        # Several threads of a process freeze: each replaces what was read, and looks at it once.
        self._read: dict[int, _Seen] = {}
        self._latest = 0

    def freeze_some(self, recall_id: int | None = None) -> bool:
        """Freeze a part of one recall, or of each that needs it in turn; say whether more is left to freeze."""
        with self._database.read() as connection:
            left = plan_messages.to_freeze(connection)
        self._read = {one: messages for one, messages in self._read.items() if one in left}
        wanted = left if recall_id is None else [one for one in left if one == recall_id]
        if not wanted:
            return False
        # In turn, so that a small recall does not wait until a large one is copied whole.
        self._latest = next((one for one in wanted if one > self._latest), wanted[0])
        is_whole = self._freeze_part(self._latest)
        return len(wanted) > 1 or not is_whole

    def finish(self, recall_id: int | None = None) -> None:
        """Freeze one recall to its end, or all that need it."""
        while self.freeze_some(recall_id):
            self._database.let_others_write()

    def _freeze_part(self, recall_id: int) -> bool:
        """Freeze the next part; say whether it was the last one."""
        with self._database.write() as connection:
            recall = recalls.get_to_freeze(connection, recall_id)
            seen = self._seen(connection, recall)
            if seen is None:
                return True
            plans.prefer_indexes(connection)
            part = _Part.of(recall, seen.messages, self._rows)
            self._write(connection, recall, seen, part)
            is_whole = part.is_last
            if is_whole:
                plan_messages.forget(connection, recall_id)
        if is_whole and len(seen.messages.taken) >= MANY_ITEMS:
            with self._database.write() as connection:
                plans.refresh_statistics(connection)
        return is_whole

    def _seen(self, connection: Connection, recall: recalls.Recall) -> "_Seen | None":
        """Return what a recall has to freeze: read once, for it is the same until all of it is frozen."""
        known = self._read.get(recall.id)
        if known is not None and (recall.unfrozen_items or recall.unfrozen_skips):
            return known
        packed = plan_messages.packed_of(connection, recall.id)
        if packed is None:
            return None
        read = _Seen(messages=PlanMessages.unpacked(packed), digest=digest_of(packed))
        self._read = {**self._read, recall.id: read}
        return read

    def _write(self, connection: Connection, recall: recalls.Recall, seen: "_Seen", part: "_Part") -> None:
        now, changes = self._clock.now(), Counter[str]()
        committer = commitments.to_write(connection)
        facts: dict[str, Any] = {}
        if part.messages.taken:
            taken = plans.take(connection, recall.id, part.messages)
            facts["items"] = fact_of(FROZEN_OF_ITEM, taken, committer, of=len(seen.messages.taken))
            changes.update(_changes(part.messages, sizes_of(taken)))
            if recalls.was_active_since(connection, recall.planned_at - CLOCKS_DIFFER, recall.id):
                endings.share_doubts(connection, recall.id, only=part.messages.taken)
        if part.messages.skipped:
            skipped = plans.skip(connection, recall.id, part.messages)
            facts["skips"] = fact_of(FROZEN_OF_SKIP, skipped, committer, of=len(seen.messages.skipped))
            changes["gone_skips"] = len(part.messages.skipped) - facts["skips"]["count"]
        recalls.change(connection, recall.id, unfrozen_items=part.items_left, unfrozen_skips=part.skips_left)
        detail = {"frozen": facts, "seen": seen.digest, **{name: count for name, count in changes.items() if count}}
        entries = [history.Entry(at=now, event="frozen", actor=WORKER, recall_id=recall.id, detail=detail)]
        if recall.status is Status.CANCELLED:
            ended = endings.cancel(connection, recall.id, now, recall.runs_for)
            entries += history.ended_entries(recall.id, recall.runs_for, "cancelled", ended, now)
        history.append(connection, entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a plan saw, with the digest of what was read: parts that are frozen from something else are found out."""

    messages: PlanMessages
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The next messages to freeze, and how many are left after them."""

    messages: PlanMessages
    items_left: int
    skips_left: int

    @classmethod
    def of(cls, recall: recalls.Recall, messages: PlanMessages, rows: int) -> "_Part":
        item, skip = len(messages.taken) - recall.unfrozen_items, len(messages.skipped) - recall.unfrozen_skips
        # A call that is cut in two would leave half empty.
        end = messages.end_of_calls(item, rows)
        part = messages.part(slice(item, end), slice(skip, skip + max(rows - (end - item), 0)))
        return cls(
            messages=part,
            items_left=recall.unfrozen_items - len(part.taken),
            skips_left=recall.unfrozen_skips - len(part.skipped),
        )

    @property
    def is_last(self) -> bool:
        return not (self.items_left or self.skips_left)


def _changes(part: PlanMessages, sizes: Mapping[int, int]) -> dict[str, int]:
    """Return what is no longer as the plan saw it: messages that are gone, and that more people got since."""
    return {
        "gone": len(part.taken) - len(sizes),
        "grown": sum(sizes.get(one, 0) > size for one, size in zip(part.taken, part.sizes, strict=True)),
    }
