"""The proof of the history in words: that it is whole, or what does not fit."""

from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.words import number_of, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ledger.core.audit.findings import Finding
    from ledger.services.reports.verifier import Verification


def show_verification(paper: "Console", found: "Verification") -> None:
    """Write the proof that a history is whole."""
    show_whole(paper, found.entries, found.left)
    paper.print("Keep its last digest elsewhere: it proves later that nothing was cut off.")
    sentence(paper, found.last_digest, lead="  ")


def show_whole(paper: "Console", entries: int, left: int) -> None:
    """Say that a history is whole, and how much of it has left."""
    paper.print(f"The history is whole: {number_of(entries, 'entry', 'entries')}, each in its place.", soft_wrap=True)
    if left:
        gone = f"The first {left:,} of them are no longer there: the history is kept for a time (LEDGER_HISTORY_DAYS)."
        sentence(paper, gone)


SHOWN_FINDINGS = 20
_FINDINGS = (
    Column(title="recall", is_number=True),
    Column(title="what"),
    Column(title="key", width=14),
    Column(title="field"),
    Column(title="history says", gives_way=True, is_text=True),
    Column(title="shown", gives_way=True, is_text=True),
)


def show_findings(paper: "Console", findings: "Sequence[Finding]") -> None:
    """Write what does not follow from a history, a row a value."""
    if not findings:
        return
    rows = [
        SheetRow(
            cells=(
                "-" if one.recall_id is None else str(one.recall_id),
                one.what,
                plain(one.key or ""),
                one.field or one.kind,
                _value(one.chain) if one.field else ("nothing" if one.kind == "added" else "is there"),
                _value(one.shown) if one.field else ("nothing" if one.kind == "missing" else "is there"),
            ),
            style="yellow",
        )
        for one in findings[:SHOWN_FINDINGS]
    ]
    print_sheet(paper, _FINDINGS, rows)
    if len(findings) > SHOWN_FINDINGS:
        paper.print(f"and {len(findings) - SHOWN_FINDINGS:,} more: --json", style="dim")


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    return plain(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def what_does_not_fit(found: "Verification") -> str:
    """Say what does not fit, and where to look."""
    message = []
    if found.broken_at is not None:
        message.append(f"entry {found.broken_at} of the history was changed, or one before it is gone")
    if found.known_digest_found is False:
        gone = ", or it is of those that have left" if found.left else ""
        message.append(f"no entry has the digest that you kept: the end of the history was cut off or rewritten{gone}")
    if any(one.what == "start" for one in found.findings):
        message.append("what is kept of the entries that have left is not what the history says of them")
    if found.disputed:
        where = ", ".join(str(number) for number in found.disputed_recalls) or "none"
        facts = number_of(found.disputed, "fact")
        message.append(f"{facts} shown to people not as the history has it (recalls {where}: `ledger show ID`)")
    if found.findings and not message:
        message.append("the time of an entry lies before that of the entry before it")
    return "; ".join(message)
