"""How the ledger is looked after: who works at it, how far its history is signed, and where that is kept."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.clock import Clock
from ledger.core.events.stream_state import GONE_AFTER, StreamState
from ledger.core.recalls.quota import month_of
from ledger.store.audit import checkpoints
from ledger.store.audit.checkpoints import AnchorState, StoredCheckpoint
from ledger.store.database import Database
from ledger.store.events import streams
from ledger.store.events.message_events import used_pushes
from ledger.store.upkeep import workers

SEEN_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """A process at work: its machine, its number there, when it was seen last, how many of its calls are in flight."""

    machine: str
    process: str
    seen_at: datetime | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepState:
    """The processes at work, the last checkpoint (None: nothing is signed), the places that checkpoints went to.

    `pushes` are those of the month, `streams` how the connections stand by which they come.
    """

    workers: Sequence[WorkerLine]
    checkpoint: StoredCheckpoint | None
    is_behind: bool
    anchors: Sequence[AnchorState]
    pushes: int
    streams: Sequence[StreamState]


class UpkeepReports:
    """Reads it."""

    def __init__(self, database: Database, clock: Clock, gone_of: Callable[[Iterable[str]], Collection[str]]) -> None:
        """`gone_of` returns which owners have surely ended."""
        self._database, self._clock, self._gone_of = database, clock, gone_of

    def read(self) -> UpkeepState:
        """Return how it stands at this moment."""
        now = self._clock.now()
        with self._database.read() as connection:
            latest = checkpoints.latest(connection)
            return UpkeepState(
                workers=_lines(self._alive(workers.seen_workers(connection, now - SEEN_WITHIN))),
                checkpoint=latest,
                is_behind=latest is not None and checkpoints.last_entry(connection) > latest.last_id,
                anchors=list(checkpoints.anchor_states(connection).values()),
                pushes=used_pushes(connection, month_of(now)),
                streams=[one.state for one in streams.listed(connection, now - GONE_AFTER)],
            )

    def _alive(self, seen: Sequence[workers.SeenWorker]) -> list[workers.SeenWorker]:
        """Leave out those of this machine that have ended; of another machine, nobody knows it before it shows."""
        gone = frozenset(self._gone_of(one.owner for one in seen))
        return [one for one in seen if one.owner not in gone]


def _lines(seen: Sequence[workers.SeenWorker]) -> list[WorkerLine]:
    """Put together what one process did under several names."""
    lines: dict[tuple[str, str], WorkerLine] = {}
    for one in seen:
        # A process names itself by machine, boot, container, its number, and a lot (`own_name` of leases).
        place, _, rest = one.owner.partition("#")
        key = (place.partition("/")[0], rest.partition("#")[0])
        known = lines.get(key)
        # Who was seen last comes first.
        at, calls = (known.seen_at or one.seen_at, known.calls) if known else (one.seen_at, 0)
        lines[key] = WorkerLine(machine=key[0], process=key[1], seen_at=at, calls=calls + one.calls)
    return list(lines.values())
