"""The proof with what was kept outside: the history is what was signed, or what was done to it, and since when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.core.audit.chain_damage import Damage, DamageKind, damages_of
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.audit.findings import Finding
from ledger.core.audit.history_start import told_age
from ledger.core.json_value import JsonValue
from ledger.errors import AuditError
from ledger.services.audit import anchor_check, kept_checkpoints, left_part, timestamps
from ledger.services.audit.anchor_check import CheckedCheckpoint
from ledger.services.audit.chain_watch import ChainWatch
from ledger.services.audit.first_entry import first_digest
from ledger.services.audit.kept_checkpoints import INSIDE, KeptCheckpoint, Signed
from ledger.services.reports.row_progress import UNSEEN, Progress
from ledger.services.reports.verifier import Verification, Verifier
from ledger.store.audit import checkpoints
from ledger.store.database import Database

NOT_ANCHORED = (
    "that nothing was cut off its end, and that nobody who can write to the database wrote it anew: only a checkpoint "
    "that was kept elsewhere proves that (`ledger audit keygen FILE`)"
)
NOT_SIGNED = "who signed the checkpoints: name the key that you trust with --public-key"
ONLY_INSIDE = (
    "that nobody took its last checkpoints away with the end of it: they are from the database itself. Name the file "
    "that was kept elsewhere with --checkpoint"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport(JsonValue):
    """What was found: `damages` of the history, and `findings` of what is shown and does not follow from it.

    `left` of the `entries` are no longer there, since the history is kept for a time only: of them, the roots of their
    segments are held against the checkpoints. The first `good_entries` are as they were written, as far as can be told;
    of these, `proven_entries` are proven by `checkpoints`. `not_proven` says in words what is not. `breaks` counts the
    places where the chain does not fit.
    """

    ok: bool
    entries: int
    last_digest: str
    good_entries: int
    proven_entries: int
    damages: tuple[Damage, ...]
    breaks: int
    checkpoints: tuple[CheckedCheckpoint, ...]
    not_proven: tuple[str, ...]
    disputed: int
    disputed_recalls: tuple[int, ...]
    known_digest_found: bool | None
    findings: tuple[Finding, ...]
    left: int = 0


class AuditVerifier:
    """Checks a history against checkpoints; it changes nothing.

    `roots_file` has the authority's certificates, `days` is how long the history is kept by the settings here.
    """

    def __init__(
        self, database: Database, verifier: Verifier, roots_file: Path | None = None, days: int | None = None
    ) -> None:
        self._database, self._verifier, self._roots_file, self._days = database, verifier, roots_file, days

    def run_once(
        self,
        files: Sequence[Path] = (),
        keys: Sequence[Ed25519PublicKey] = (),
        known_digest: str | None = None,
        *,
        progress: Progress = UNSEEN,
    ) -> AuditReport:
        """Check everything in one consistent state; raise UnreadableFileError for a file without checkpoints."""
        spoilt: list[str] = []
        outside = [kept_checkpoints.weighed(*one, keys) for one in kept_checkpoints.of_files(files, spoilt)]
        with self._verifier.noting() as findings, self._database.read() as connection:
            stored = _readable(checkpoints.documents(connection))
            inside = _new([kept_checkpoints.weighed(one, INSIDE, keys) for one in stored], outside)
            kept = [*outside, *inside]
            good = anchor_check.trusted(kept)
            every = [one.checkpoint for one in kept]
            # Those inside say it as well: whoever writes all anew, and forgets these, has no other ledger.
            firsts = {first_digest(connection), *(one.first for one in stored)} - {""}
            watch = ChainWatch(every, left_part.of(connection, every), firsts)
            found = self._verifier.check(connection, findings, known_digest, watch=watch, progress=progress)
            damages = damages_of(watch.breaks(connection), anchor_check.shift_of(good, watch))
        damages += anchor_check.damages_by(good, watch) + anchor_check.damages_of_signatures(kept)
        checked = [self._checked(one, watch) for one in kept]
        damages += [wrong for _, wrong in checked if wrong is not None]
        # One inside the database that nobody signed proves nothing.
        proofs = anchor_check.trusted([*outside, *(one for one in inside if one.signed is Signed.YES)])
        proven = anchor_check.proven_by(proofs, watch)
        covered, good_entries = proven.entries if proven is not None else 0, _good_entries(watch, damages)
        return AuditReport(
            ok=found.ok and not damages,
            entries=watch.count,
            last_digest=found.last_digest,
            good_entries=good_entries,
            # Digests that were signed prove nothing of an entry that is not what its digest was made of.
            proven_entries=min(covered, good_entries),
            damages=tuple(damages),
            breaks=watch.breaks_in_all,
            checkpoints=tuple(one for one, _ in checked),
            not_proven=(*_not_proven(watch, covered, kept, outside, self._days), *_spoilt(spoilt)),
            disputed=found.disputed,
            disputed_recalls=found.disputed_recalls,
            known_digest_found=found.known_digest_found,
            findings=_but_for_entries(found),
            left=watch.start.entries,
        )

    def _checked(self, kept: KeptCheckpoint, watch: ChainWatch) -> tuple[CheckedCheckpoint, Damage | None]:
        one = kept.checkpoint
        match = anchor_check.match_of(one, watch)
        plain = CheckedCheckpoint(
            entries=one.entries, at=one.at, key=one.key, where=kept.where, signed=kept.signed, match=match
        )
        if one.timestamp is None or not timestamps.can_read():
            return plain, None
        try:
            stamp = timestamps.checked(one, timestamps.roots_of(self._roots_file) if self._roots_file else ())
        except AuditError as error:
            detail = f"{kept.where}: {error}"
            return plain, Damage(kind=DamageKind.WRONG_TIMESTAMP, last=one.entries, detail=detail)
        seen = replace(plain, stamped_at=stamp.at, vouched=stamp.is_vouched)
        if stamp.is_vouched is False:
            detail = f"{kept.where}: no certificate of {self._roots_file} vouches for it"
            return seen, Damage(kind=DamageKind.WRONG_TIMESTAMP, last=one.entries, detail=detail)
        return seen, None


def _readable(documents: Iterable[object]) -> list[Checkpoint]:
    """Return the checkpoints of the database; what somebody made of them is none any more."""
    found = []
    for document in documents:
        try:
            found.append(Checkpoint.read(document))
        except ValueError:
            continue
    return found


def _new(stored: Sequence[KeptCheckpoint], outside: Sequence[KeptCheckpoint]) -> list[KeptCheckpoint]:
    known = {one.checkpoint.signed_bytes() for one in outside}
    return [one for one in stored if one.checkpoint.signed_bytes() not in known]


def _good_entries(watch: ChainWatch, damages: Sequence[Damage]) -> int:
    of_entries = [one.first - 1 for one in damages if one.first is not None]
    before_break = [watch.first_break - 1] if watch.first_break is not None else []
    return max(min([watch.count, *of_entries, *before_break]), 0)


def _not_proven(
    watch: ChainWatch,
    covered: int,
    kept: Sequence[KeptCheckpoint],
    outside: Sequence[KeptCheckpoint],
    days: int | None,
) -> list[str]:
    if not kept:
        return [NOT_ANCHORED]
    found = [] if outside else [ONLY_INSIDE]
    if any(one.signed is Signed.NOT_CHECKED for one in kept):
        found.append(NOT_SIGNED)
    if (uncovered := watch.count - covered) > 0:
        last = f"the last {uncovered:,} entries" if uncovered > 1 else "the last entry"
        found.append(f"{last}, which no checkpoint covers yet")
    said = told_age(watch.told_of_left.entry.detail) if watch.told_of_left is not None else None
    if said is not None and (days is None or said.days < days):
        here = "for ever" if days is None else f"for {days:,} days"
        found.append(f"why entries left that were kept for {said.days:,} days: the settings here keep them {here}")
    return found


def _spoilt(lines: Sequence[str]) -> list[str]:
    """Say which checkpoints nobody can read any more, of which the others may say as much."""
    if not lines:
        return []
    more = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
    return [f"what {lines[0]}{more} said: a checkpoint that was cut short, or changed, and is none any more"]


def _but_for_entries(found: Verification) -> tuple[Finding, ...]:
    """Return the findings of what is shown; what does not fit of the chain itself is named better as a damage."""
    return tuple(one for one in found.findings if one.what != "entry" or one.field in ("at", "detail"))
