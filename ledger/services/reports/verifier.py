"""The proof: history is checked link by link, and whatever people see of it against what it says."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from ledger.clock import format_time
from ledger.core.audit.chain import GENESIS
from ledger.core.audit.chain_facts import ChainFacts
from ledger.core.audit.findings import MOST_FINDINGS, Finding, Findings
from ledger.core.json_value import JsonValue, jsonable
from ledger.services.reports import start_check
from ledger.services.reports.comparison import compare
from ledger.services.reports.row_progress import UNSEEN, Progress
from ledger.store.audit import history, shown
from ledger.store.audit.fact_file import FactFile
from ledger.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(JsonValue):
    """Whether history is whole; `last_digest`, kept elsewhere, also proves later that nothing was cut off its end.

    `left` of its `entries` are no longer there, since the history is kept for a time only. `broken_at` is the first
    entry whose digest does not fit. `disputed` counts rows that are not what history says, or not there any more;
    `disputed_recalls` are their recalls. `known_digest_found` is None when none was given. `findings` names what does
    not fit, up to a hundred.
    """

    ok: bool
    entries: int
    last_digest: str
    broken_at: int | None
    disputed: int
    disputed_recalls: tuple[int, ...]
    known_digest_found: bool | None
    findings: tuple[Finding, ...] = ()
    left: int = 0


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Where a walk along the chain stands."""

    known_digest: str | None
    facts: ChainFacts
    findings: Findings
    previous: str
    entries: int
    at: datetime | None = None
    broken_at: int | None = None
    watch: "EntryWatch | None" = None
    digests_seen: bool = field(init=False)

    def __post_init__(self) -> None:
        self.digests_seen = self.known_digest in (GENESIS, self.previous)

    def take(self, stored: history.StoredEntry) -> None:
        """Check the next entry's place, and take what it says."""
        self.entries += 1
        entry = stored.entry
        is_dated = isinstance(entry.at, datetime)
        right = linked(self.previous, entry) if is_dated else None
        if self.watch is not None:
            self.watch.see(stored, right)
        if not is_dated:
            self._dispute(stored, "at", None, entry.at)
        elif right != stored.digest:
            self._dispute(stored, "digest", right, stored.digest)
        elif self.at is not None and entry.event != history.CLOCK_SET_BACK and history.goes_back(self.at, entry.at):
            place = [("at", f"not before {format_time(self.at)}", entry.at)]
            self.findings.add_changed("entry", entry.recall_id, str(stored.id), place)
        self.previous = stored.digest
        self.at = entry.at if isinstance(entry.at, datetime) else self.at
        self.digests_seen = self.digests_seen or self.previous == self.known_digest
        try:
            if not isinstance(entry.recall_id, int | None):
                raise TypeError
            self.facts.add(jsonable(entry.at), entry.event, entry.actor, entry.recall_id, entry.detail)
            if entry.event == history.CHAINED_ANEW and entry.detail["last_digest"] == self.known_digest:
                self.digests_seen = True
        except (AttributeError, KeyError, TypeError, ValueError):
            self._dispute(stored, "detail", "what such an entry says", entry.detail)

    def _dispute(self, stored: history.StoredEntry, name: str, chain: object, shown: object) -> None:
        if self.broken_at is None:
            self.broken_at = stored.id
        self.findings.add_changed("entry", stored.entry.recall_id, str(stored.id), [(name, chain, shown)])


class EntryWatch(Protocol):
    """Somebody who sees each entry on the way."""

    def see(self, stored: history.StoredEntry, right: str | None) -> None:
        """Take an entry, with the digest that it has to have; None when nothing could have been written so."""


class Verifier:
    """Reads everything, changes nothing; `noting` hands out what findings are noted in, and may keep them."""

    def __init__(
        self,
        database: Database,
        noting: Callable[[], AbstractContextManager[Findings]] = lambda: nullcontext(Findings()),
    ) -> None:
        self._database, self.noting = database, noting

    def run_once(
        self, known_digest: str | None = None, *, watch: "EntryWatch | None" = None, progress: Progress = UNSEEN
    ) -> Verification:
        """Check the whole history, and what people see against it, in one consistent state."""
        with self.noting() as findings, self._database.read() as connection:
            return self.check(connection, findings, known_digest, watch=watch, progress=progress)

    def check(
        self,
        connection: Connection,
        findings: Findings,
        known_digest: str | None = None,
        *,
        watch: "EntryWatch | None" = None,
        progress: Progress = UNSEEN,
    ) -> Verification:
        """Do the same in a transaction that somebody else has opened; `watch` sees each entry on the way."""
        with FactFile() as file, _seldom_collecting():
            start, facts = start_check.begin(connection, file)
            walk = _Walk(
                known_digest=known_digest,
                facts=facts,
                findings=findings,
                watch=watch,
                previous=start.digest,
                entries=start.entries,
            )
            progress.begin(lambda: shown.count_rows(connection))
            for stored in progress.over(history.read_all(connection, start.last_id)):
                walk.take(stored)
            start_check.check(connection, start, findings)
            compare(connection, walk.facts, file, walk.findings, progress)
        found = None if known_digest is None else walk.digests_seen
        return Verification(
            ok=walk.broken_at is None and not walk.findings.any and found is not False,
            entries=walk.entries,
            last_digest=walk.previous,
            broken_at=walk.broken_at,
            disputed=walk.findings.rows,
            disputed_recalls=tuple(sorted(walk.findings.recalls)),
            known_digest_found=found,
            findings=tuple(walk.findings.listed[:MOST_FINDINGS]),
            left=start.entries,
        )


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for garbage less often: millions of values come and go here, of which none points to itself."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def linked(previous: str, entry: history.Entry) -> str | None:
    """Return the digest that an entry has to have; None when it holds what no entry can."""
    try:
        return history.link(previous, entry)
    except (AttributeError, TypeError, ValueError):
        return None
