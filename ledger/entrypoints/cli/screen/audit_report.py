"""What a check of the history against checkpoints found, in words."""

from typing import TYPE_CHECKING

from ledger.core.audit.chain_damage import DamageKind
from ledger.entrypoints.cli.screen.verification import show_findings, show_whole
from ledger.entrypoints.cli.screen.words import number_of, plain

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.audit.chain_damage import Damage
    from ledger.services.audit.anchor_check import CheckedCheckpoint
    from ledger.services.audit.audit_verifier import AuditReport

SHOWN_DAMAGES = 20


def show_audit_report(paper: "Console", found: "AuditReport") -> None:
    """Write what holds, what was done, and what is not proven."""
    for one in found.damages[:SHOWN_DAMAGES]:
        paper.print(damage_in_words(one), style="yellow", soft_wrap=True)
    if (more := len(found.damages) - SHOWN_DAMAGES) > 0:
        paper.print(f"and {more:,} more: --json", style="dim")
    show_findings(paper, found.findings)
    if found.known_digest_found is False:
        paper.print("No entry has the digest that you kept: the end was cut off or rewritten.", style="yellow")
    if found.ok:
        show_whole(paper, found.entries, found.left)
    elif found.findings and not found.damages and found.good_entries == found.entries:
        entries = number_of(found.entries, "entry", "entries")
        paper.print(
            f"As written: all {entries} of the history; what is shown does not follow from them.", soft_wrap=True
        )
    elif found.good_entries:
        good = number_of(found.good_entries, "entry", "entries")
        paper.print(f"As written: the first {good}; what comes after is not, or nobody can say.", soft_wrap=True)
    else:
        paper.print("No entry is known to be as it was written.")
    if found.proven_entries and (proof := _proof(found)) is not None:
        paper.print(_proof_in_words(proof, found.proven_entries), soft_wrap=True)
    for text in found.not_proven:
        paper.print(f"Not proven: {text}.", soft_wrap=True)
    paper.print(f"Last digest: {found.last_digest}", soft_wrap=True)


def _proof(found: "AuditReport") -> "CheckedCheckpoint | None":
    """Return the first checkpoint that covers what is proven."""
    signed = [one for one in found.checkpoints if one.match == "same" and one.signed in ("yes", "not_checked")]
    covering = [one for one in signed if one.entries >= found.proven_entries]
    return min(covering, key=lambda one: one.entries, default=None)


def _proof_in_words(one: "CheckedCheckpoint", proven_entries: int) -> str:
    entries = f"first {proven_entries:,} entries are" if proven_entries != 1 else "first entry is"
    proven = f"Proven: the {entries} what key {plain(one.key) or '-'} signed at {one.at:%Y-%m-%d %H:%M} UTC"
    if one.stamped_at is None:
        return f"{proven}."
    word = ", and known certificates vouch for it" if one.vouched else ", as it says itself"
    return f"{proven}; a time-stamp authority saw that at {one.stamped_at:%Y-%m-%d %H:%M} UTC{word}."


_WORDS = {
    DamageKind.EDITED: "edited: {where}{more}",
    DamageKind.MISSING: "missing: {count}, before {where}",
    DamageKind.INSERTED: "inserted: {count}, {where}",
    DamageKind.REORDERED: "reordered: {where}",
    DamageKind.CUT: "cut: {count} at the end are gone; they were there when it was {detail}",
    DamageKind.CUT_TO_NOTHING: "cut to nothing: {count} are gone; they were there when it was {detail}",
    DamageKind.REWRITTEN: "rewritten: {where}: all fits together, and is not what was {detail}",
    DamageKind.FORGOTTEN: "forgotten: {where} have left, and the database no longer knows what was {detail}: what left "
    "may have been something else",
    DamageKind.TOO_EARLY: "too early: {where} have left, and {detail}",
    DamageKind.OTHER_LEDGER: "other ledger: a checkpoint of {last} entries, {detail}, is of a history that begins with "
    "another entry: name the file of this ledger. If it is its own, this history was replaced from its first entry on",
    DamageKind.WRONG_KEY: "wrong key: another key signed a checkpoint of {last} entries ({detail})",
    DamageKind.FORGED: "forged: a checkpoint of {last} entries does not have the signature of its key ({detail})",
    DamageKind.WRONG_TIMESTAMP: "wrong time-stamp: of a checkpoint of {last} entries ({detail})",
}


def damage_in_words(one: "Damage") -> str:
    """Say one damage, and where."""
    detail = plain(one.detail or "")
    return _WORDS[one.kind].format(
        where=_places(one),
        count=number_of(one.count or 0, "entry", "entries"),
        detail=detail,
        more=f", {detail}" if detail else "",
        last=f"{one.last or 0:,}",
    )


def _places(one: "Damage") -> str:
    number = f"entry {one.entry:,}" if one.entry is not None else ""
    if one.last is not None and one.last > (one.first or 0):
        places = f"places {one.first or 0:,} to {one.last:,}"
        return f"{places} ({number} and on)" if number else places
    return f"{number or 'an entry'} (place {one.first or 0:,})"
