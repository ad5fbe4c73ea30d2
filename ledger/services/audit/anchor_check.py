"""What checkpoints say of a history that was walked: up to where it is what was signed, and what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.clock import format_time
from ledger.core.audit.chain_damage import Damage, DamageKind
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.history_start import told_age
from ledger.core.json_value import JsonValue
from ledger.services.audit.chain_watch import ChainWatch
from ledger.services.audit.kept_checkpoints import KeptCheckpoint, Signed
from ledger.settings import LEAST_HISTORY_DAYS
from ledger.store.audit import history


class Match(StrEnum):
    """How a checkpoint and a history agree."""

    SAME = "same"
    DIFFERENT = "different"
    ELSEWHERE = "elsewhere"  # the entry is there, at another place
    BEYOND = "beyond"  # the history ends before it
    OTHER_LEDGER = "other_ledger"  # it is of a history that begins with another entry
    LEFT = "left"  # its entries have left, and how they stood in their segment is not kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCheckpoint(JsonValue):
    """A checkpoint, where it was kept, what its signature is worth, and whether the history is what it says.

    `stamped_at` is when a time-stamp authority saw it, `vouched` whether known certificates say that it was that one.
    """

    entries: int
    at: datetime
    key: str
    where: str
    signed: Signed
    match: Match
    stamped_at: datetime | None = None
    vouched: bool | None = None


def match_of(checkpoint: Checkpoint, watch: ChainWatch) -> Match:
    """Say how a checkpoint and a history agree."""
    standing = watch.standing.get(checkpoint.entries)
    if standing is not None and (standing.head, standing.root) == (checkpoint.head, checkpoint.root):
        return Match.SAME
    if _is_of_another_ledger(checkpoint, watch):
        return Match.OTHER_LEDGER
    if standing is None and checkpoint.entries < watch.start.entries:
        return Match.LEFT
    if watch.places_of_heads.get(checkpoint.head, checkpoint.entries) != checkpoint.entries:
        return Match.ELSEWHERE
    return Match.BEYOND if checkpoint.entries > watch.count else Match.DIFFERENT


def _is_of_another_ledger(checkpoint: Checkpoint, watch: ChainWatch) -> bool:
    """Say whether its history began with another entry; where the chain breaks at its first, nobody knows which."""
    if not checkpoint.first or not watch.firsts or watch.first_break == 1:
        return False
    return checkpoint.first not in watch.firsts


def trusted(kept: Sequence[KeptCheckpoint]) -> list[Checkpoint]:
    """Return the checkpoints that count, the first one first: those that a key signed, or where no key is known."""
    good = [one.checkpoint for one in kept if one.signed in (Signed.YES, Signed.NOT_CHECKED)]
    return sorted(good, key=lambda one: one.entries)


def shift_of(checkpoints: Sequence[Checkpoint], watch: ChainWatch) -> int | None:
    """Return by how many places the last entry that was signed and is there stands too far behind."""
    for one in reversed(checkpoints):
        place = watch.places_of_heads.get(one.head)
        if place is not None:
            return place - one.entries
    return None


def proven_by(checkpoints: Sequence[Checkpoint], watch: ChainWatch) -> Checkpoint | None:
    """Return the last checkpoint that the history is what it says."""
    return next((one for one in reversed(checkpoints) if match_of(one, watch) is Match.SAME), None)


def damages_by(checkpoints: Sequence[Checkpoint], watch: ChainWatch) -> list[Damage]:
    """Say what only checkpoints show: that the end is gone, or that all fits together and is not what was signed."""
    wrong = [(one, match_of(one, watch)) for one in checkpoints]
    beyond = [one for one, match in wrong if match is Match.BEYOND]
    different = [one for one, match in wrong if match is Match.DIFFERENT]
    # A break before it says already why.
    unexplained = [one for one in different if (watch.first_break or one.entries + 2) > one.entries + 1]
    others = [one for one, match in wrong if match is Match.OTHER_LEDGER]
    found = list(_left_too_early(checkpoints, watch))
    if forgotten := [one for one, match in wrong if match is Match.LEFT]:
        before = [one.entries for one, match in wrong if match is Match.SAME and one.entries < forgotten[0].entries]
        first, detail = max(before, default=0) + 1, f"signed at {forgotten[0].at:%Y-%m-%d %H:%M} UTC"
        found.append(Damage(kind=DamageKind.FORGOTTEN, first=first, last=forgotten[-1].entries, detail=detail))
    if others:
        detail = f"signed at {others[-1].at:%Y-%m-%d %H:%M} UTC"
        found.append(Damage(kind=DamageKind.OTHER_LEDGER, last=others[-1].entries, count=len(others), detail=detail))
    if unexplained:
        before = [one.entries for one, match in wrong if match is Match.SAME and one.entries < unexplained[0].entries]
        good = max(before, default=0)
        detail = f"signed at {unexplained[0].at:%Y-%m-%d %H:%M} UTC"
        found.append(Damage(kind=DamageKind.REWRITTEN, first=good + 1, last=unexplained[0].entries, detail=detail))
    if beyond and not unexplained:
        kind = DamageKind.CUT if watch.count else DamageKind.CUT_TO_NOTHING
        lost = beyond[-1].entries - watch.count
        detail = f"signed at {beyond[-1].at:%Y-%m-%d %H:%M} UTC"
        found.append(Damage(kind=kind, first=watch.count + 1, last=beyond[-1].entries, count=lost, detail=detail))
    return found


def _left_too_early(checkpoints: Sequence[Checkpoint], watch: ChainWatch) -> Iterator[Damage]:
    """Say what has left that was signed later than it may have been written, by the entry that tells of it."""
    told = watch.told_of_left
    if told is None:
        return
    says = told_age(told.entry.detail)
    if says is None:
        detail = "nothing says how old they were"
        yield Damage(kind=DamageKind.TOO_EARLY, first=1, last=watch.start.entries, detail=detail)
        return
    # What was signed later stood there later: a clock that was ahead for a time is told by the next one.
    latest: datetime | None = None
    late: Checkpoint | None = None
    for one in reversed(checkpoints):
        latest = one.at if latest is None else min(latest, one.at)
        if one.entries < says.entries and latest > says.before + history.CLOCKS_DIFFER:
            late = one
    written = min([told.entry.at, *(one.at for one in checkpoints if one.entries >= told.place)])
    if late is not None:
        detail = f"the ones before were signed at {late.at:%Y-%m-%d %H:%M} UTC, not before {format_time(says.before)}"
        yield Damage(kind=DamageKind.TOO_EARLY, first=late.entries + 1, last=says.entries, detail=detail)
    elif says.before > written - timedelta(days=LEAST_HISTORY_DAYS) + history.CLOCKS_DIFFER:
        detail = f"nothing may leave that is younger than {LEAST_HISTORY_DAYS} days"
        yield Damage(kind=DamageKind.TOO_EARLY, first=1, last=says.entries, detail=detail)


def damages_of_signatures(kept: Sequence[KeptCheckpoint]) -> list[Damage]:
    """Name the checkpoints that no known key signed."""
    kinds = {Signed.WRONG_KEY: DamageKind.WRONG_KEY, Signed.NO: DamageKind.FORGED}
    return [
        Damage(kind=kinds[one.signed], last=one.checkpoint.entries, detail=f"{one.where}, key {one.checkpoint.key}")
        for one in kept
        if one.signed in kinds
    ]
