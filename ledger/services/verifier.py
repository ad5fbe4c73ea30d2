"""The proof: history is checked link by link, and the outcomes that people see against what history says."""

from dataclasses import dataclass

from ledger.core.chain import GENESIS
from ledger.core.shown import Shown
from ledger.store import history, items
from ledger.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Shown):
    """Whether history is whole; `last_digest`, kept elsewhere, also proves later that nothing was cut off its end.

    `broken_at` is the first entry whose digest does not fit; `disputed` counts items whose outcome is not what
    history says.
    """

    ok: bool
    entries: int
    last_digest: str
    broken_at: int | None
    disputed: int


class Verifier:
    """Reads everything, changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run_once(self) -> Verification:
        """Check the whole history in one consistent state."""
        previous, entries, broken_at = GENESIS, 0, None
        said: dict[int, str] = {}
        with self._database.read() as connection:
            for stored in history.read_all(connection):
                entry, entries = stored.entry, entries + 1
                if broken_at is None and history.link(previous, entry) != stored.digest:
                    broken_at = stored.id
                previous = stored.digest
                said |= {item_id: outcome for item_id, _, outcome, *_ in entry.detail.get("items") or ()}
            disputed = sum(1 for item_id, outcome in items.outcomes(connection) if said.get(item_id) != outcome)
        return Verification(
            ok=broken_at is None and disputed == 0,
            entries=entries,
            last_digest=previous,
            broken_at=broken_at,
            disputed=disputed,
        )
