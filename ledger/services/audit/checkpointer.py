"""Writes checkpoints: signs how far the history has come, and takes that to every place outside the database.

Nothing waits for it: it has a turn of its own in the workers, and what does not arrive is tried again later.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.signing import signed
from ledger.core.json_value import JsonValue
from ledger.errors import AuditError, LedgerError
from ledger.services.audit.anchors import Anchor
from ledger.services.audit.first_entry import first_digest
from ledger.services.audit.growing_tree import grow, root_at
from ledger.services.audit.timestamps import NAME as TSA
from ledger.store.audit import checkpoints, history, history_starts
from ledger.store.database import Database

RETRY_AFTER = timedelta(seconds=60)
# The name under which it stands that none can be signed.
SIGNING = "signing"
_NO_CONTINUATION = (
    "the history does not go on from the last checkpoint: {what}. `ledger audit verify` says what was done to it; "
    "`ledger audit checkpoint` signs it as it is"
)

Stamper = Callable[[Checkpoint], Mapping[str, str]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCheckpoint(JsonValue):
    """A checkpoint, the places that it has reached, and those that it has not, each with why."""

    checkpoint: Checkpoint
    reached: tuple[str, ...]
    failed: Mapping[str, str]


class Checkpointer:
    """Makes checkpoints and delivers them. `stamper` asks a time-stamp authority, where one is set."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        every: timedelta,
        key: Callable[[], Ed25519PrivateKey],
        places: Sequence[Anchor],
        stamper: Stamper | None = None,
    ) -> None:
        self._database, self._clock, self._every = database, clock, every
        self._key, self._places, self._stamper = key, places, stamper

    def run_if_due(self) -> None:
        """Write one when a recall has ended or the time has come, and take to places what has not arrived there."""
        with self._database.read() as connection:
            latest, is_due = checkpoints.latest(connection), self._is_due(connection)
            behind = [] if latest is None else self._behind(connection, latest.id)
        if is_due or TSA in behind:
            self._attempt()
        elif latest is not None and behind:
            self._deliver(latest.id, Checkpoint.read(latest.document), behind)

    def run_once(self, but_for: Collection[str] = ()) -> WrittenCheckpoint:
        """Write one now, and take it to every place but for some; raise AuditError when it cannot be signed."""
        with self._database.read() as connection:
            grown, first = grow(connection), first_digest(connection)
        now = self._clock.now()
        plain = Checkpoint(entries=grown.entries, head=grown.head, root=grown.root, at=now, first=first)
        made = signed(plain, self._key())
        stamped = self._stamped(made)
        with self._database.write() as connection:
            checkpoints.add_segments(connection, grown.closed)
            number = checkpoints.add(
                connection, at=now, entries=grown.entries, last_id=grown.last_id, document=stamped.to_json()
            )
            self._note(connection, SIGNING, number, None)
            if stamped.timestamp is not None:
                self._note(connection, TSA, number, None)
        self._deliver(number, stamped, [place.name for place in self._places if place.name not in but_for])
        with self._database.read() as connection:
            states = checkpoints.anchor_states(connection)
        return WrittenCheckpoint(
            checkpoint=stamped,
            reached=tuple(name for name in self._names() if name in states and states[name].checkpoint_id == number),
            failed={
                name: states[name].error or ""
                for name in self._names()
                if name in states and states[name].failing_since is not None
            },
        )

    def unsigned(self) -> Checkpoint:
        """Return how far the history has come, which nobody has signed: it goes nowhere, and proves little."""
        with self._database.read() as connection:
            grown, first = grow(connection), first_digest(connection)
        with self._database.write() as connection:
            checkpoints.add_segments(connection, grown.closed)
        return Checkpoint(entries=grown.entries, head=grown.head, root=grown.root, at=self._clock.now(), first=first)

    def _attempt(self) -> None:
        try:
            self._check_continuation()
            self.run_once()
        except AuditError as error:
            log.warning("no checkpoint of the history could be written: %s", error)
            with self._database.write() as connection:
                self._note(connection, SIGNING, None, str(error))

    def _check_continuation(self) -> None:
        """Raise AuditError unless the history goes on from what was signed last; by itself, nobody signs another."""
        with self._database.read() as connection:
            latest = checkpoints.latest(connection)
            if latest is None:
                return
            try:
                last = Checkpoint.read(latest.document)
            except ValueError:
                raise AuditError(_NO_CONTINUATION.format(what="what the database has of it is none any more")) from None
            if last.entries < history_starts.latest(connection).entries or _was_chained_anew(connection, last):
                return
            if root_at(connection, last.entries) != last.root:
                what = f"its first {last.entries:,} entries are others, or gone"
                raise AuditError(_NO_CONTINUATION.format(what=what))

    def _is_due(self, connection: Connection) -> bool:
        latest, now = checkpoints.latest(connection), self._clock.now()
        state = checkpoints.anchor_states(connection).get(SIGNING)
        if (
            state is not None
            and state.failing_since is not None
            and state.tried_at <= now < state.tried_at + RETRY_AFTER
        ):
            return False
        last_id = latest.last_id if latest is not None else 0
        if checkpoints.last_entry(connection) <= last_id:
            return False
        # A time that lies ahead says that somebody set the clock back.
        is_time = latest is None or not latest.at <= now < latest.at + self._every
        return is_time or checkpoints.a_recall_ended_after(connection, last_id)

    def _behind(self, connection: Connection, latest: int) -> list[str]:
        """Return the places that the last checkpoint has not reached, but for those that were tried just now."""
        states, now = checkpoints.anchor_states(connection), self._clock.now()
        return [
            name
            for name in self._names()
            if (state := states.get(name)) is None
            or (state.checkpoint_id != latest and not state.tried_at <= now < state.tried_at + RETRY_AFTER)
        ]

    def _names(self) -> list[str]:
        return [place.name for place in self._places] + ([TSA] if self._stamper is not None else [])

    def _stamped(self, made: Checkpoint) -> Checkpoint:
        """Return it with a time-stamp, if there is to be one and the authority answers."""
        if self._stamper is None:
            return made
        try:
            return replace(made, timestamp=self._stamper(made))
        except AuditError as error:
            self._failed(TSA, error)
            return made

    def _deliver(self, number: int, checkpoint: Checkpoint, names: Sequence[str]) -> None:
        for place in self._places:
            if place.name not in names:
                continue
            try:
                place.take(checkpoint)
            except LedgerError as error:
                self._failed(place.name, error)
                continue
            with self._database.write() as connection:
                self._note(connection, place.name, number, None)

    def _failed(self, name: str, error: LedgerError) -> None:
        log.warning("a checkpoint of the history did not reach %s, which is tried again: %s", name, error)
        with self._database.write() as connection:
            self._note(connection, name, None, str(error))

    def _note(self, connection: Connection, name: str, number: int | None, error: str | None) -> None:
        now = self._clock.now()
        if number is not None:
            checkpoints.arrived(connection, name, number, now)
        else:
            checkpoints.failed(connection, name, error or "", now)


def _was_chained_anew(connection: Connection, last: Checkpoint) -> bool:
    """Say whether an upgrade has written all entries anew since a checkpoint, which one of them says."""
    if not last.first or last.first == first_digest(connection):
        return False
    told = history.last_of(connection, history.CHAINED_ANEW)
    return told is not None and told.entry.at >= last.at
