"""`ledger verify`: proves that nobody rewrote the history."""

from typing import Annotated

import typer

from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.verification import show_findings, show_verification, what_does_not_fit
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code

KnownDigest = Annotated[
    str | None, typer.Option("--digest", help="A last digest that was kept elsewhere; the history must still have it.")
]


def verify(known: KnownDigest = None, as_json: AsJson = False) -> Code:
    """Prove that nobody rewrote the history.

    Every value that people are shown is held against it. Exit 1 when something does not fit.
    """
    from ledger.entrypoints.cli.screen.rows_progress import rows_shown

    with opened() as parts, rows_shown() as progress:
        found = parts.verifier.run_once(known, progress=progress)
    if as_json:
        document(found)
    elif found.ok:
        show_verification(console(), found)
    else:
        show_findings(console(), found.findings)
    if not found.ok and not as_json:
        say(f"error: what was written down has been rewritten: {what_does_not_fit(found)}")
    return Code.DONE if found.ok else Code.UNEXPECTED
