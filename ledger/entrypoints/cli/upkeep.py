"""Upkeep: delete what is past its window, and look whether everything is there that a recall needs."""

from ledger.entrypoints.cli.book import opened
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import AsJson, console, document
from ledger.entrypoints.cli.words import number_of, plain


def purge(as_json: AsJson = False) -> None:
    """Delete the messages that are past their window.

    The history of recalls stays.
    """
    with opened() as book:
        purged = book.purge()
    if as_json:
        document(purged)
    else:
        console().print(f"{number_of(purged.purged, 'message')} deleted")


def doctor(as_json: AsJson = False) -> Code:
    """Check database, credentials, permission, clock and spool.

    Exit 1 when something is amiss.
    """
    with opened() as book:
        found = book.doctor()
    if as_json:
        document(found)
    else:
        paper = console()
        for check in found.checks:
            mark, style = ("ok   ", "green") if check.ok else ("AMISS", "bold red")
            paper.print(mark, style=style, end="  ")
            paper.print(f"{check.name}: {plain(check.found)}", soft_wrap=not paper.is_terminal)
    return Code.DONE if found.ok else Code.UNEXPECTED
