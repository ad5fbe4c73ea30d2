"""The proof of the history in words: that it is whole, or what does not fit."""

from typing import TYPE_CHECKING

from ledger.entrypoints.cli.screen.words import number_of

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.services.reports.verifier import Verification


def show_verification(paper: "Console", found: "Verification") -> None:
    """Write the proof that a history is whole."""
    paper.print(f"The history is whole: {number_of(found.entries, 'entry', 'entries')}, each in its place.")
    paper.print("Keep its last digest elsewhere: it proves later that nothing was cut off.")
    paper.print(f"  {found.last_digest}", soft_wrap=True)


def what_does_not_fit(found: "Verification") -> str:
    """Say what does not fit, and where to look."""
    message = []
    if found.broken_at is not None:
        message.append(f"entry {found.broken_at} of the history was changed, or one before it is gone")
    if found.known_digest_found is False:
        message.append("no entry has the digest that you kept: the end of the history was cut off or rewritten")
    if found.disputed:
        where = ", ".join(str(number) for number in found.disputed_recalls) or "none"
        facts = number_of(found.disputed, "fact")
        message.append(f"{facts} shown to people not as the history has it (recalls {where}: `ledger show ID`)")
    return "; ".join(message)
