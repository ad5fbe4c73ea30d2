"""Looking: what can be recalled, where recalls stand, and that nobody rewrote the history."""

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.book import RecallId, opened
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.inquiring import Verify, Yes, verify_first
from ledger.entrypoints.cli.output import AsJson, console, document, say
from ledger.entrypoints.cli.words import is_are, number_of

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.services.verifier import Verification

KnownDigest = Annotated[
    str | None, typer.Option("--digest", help="A last digest that was kept elsewhere; the history must still have it.")
]
ShowAll = Annotated[bool, typer.Option("--all", help="Also plans that nobody has run, such as those of dry runs.")]
RAN = tuple(status for status in Status if status is not Status.PLANNED)
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many. Without: all.")]


def campaigns(as_json: AsJson = False) -> None:
    """Show what can still be recalled, and for how long."""
    from ledger.entrypoints.cli.tables import print_campaigns

    with opened() as book:
        lines, now = book.campaigns(), book.clock.now()
    if as_json:
        document(lines)
    elif lines:
        print_campaigns(console(), lines, now)
    else:
        say("the ledger holds no message: `ledger record` and `ledger import` put some in")


def recalls(limit: Limit = None, show_all: ShowAll = False, as_json: AsJson = False) -> None:
    """Show where recalls stand, newest first.

    Plans that nobody has run are shown with --all, and with --json.
    """
    from ledger.entrypoints.cli.tables import print_recalls

    with opened() as book:
        if as_json:
            document(book.recalls(limit=limit))
            return
        results = book.recalls(statuses=tuple(Status) if show_all else RAN, limit=limit)
        plans = 0 if show_all else len(book.recalls(statuses=(Status.PLANNED,)))
    if results:
        print_recalls(console(), results)
    elif not plans:
        say("there is no recall yet")
    if plans:
        say(f"{number_of(plans, 'plan')} that nobody has run {is_are(plans)} left out: --all shows them too")


def show(recall_id: RecallId, verify: Verify = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Show one recall with its messages and calls.

    How it stands, every message with its outcome, what it left out, every call.
    """
    with opened() as book:
        if verify:
            verify_first(book, recall_id, yes=yes)
        report, now = book.show(recall_id), book.clock.now()
    if as_json:
        document(report.to_json())
        return
    from ledger.entrypoints.cli.reports import show_report

    show_report(console(), report, now)


def verify(known: KnownDigest = None, as_json: AsJson = False) -> Code:
    """Prove that nobody rewrote the history.

    Exit 1 when somebody did.
    """
    with opened() as book:
        found = book.verify(known)
    if as_json:
        document(found)
    elif found.ok:
        show_verification(console(), found)
    else:
        say(f"error: what was written down has been rewritten: {_amiss(found)}")
    return Code.DONE if found.ok else Code.UNEXPECTED


def _amiss(found: "Verification") -> str:
    """Say what does not fit, and where to look."""
    said = []
    if found.broken_at is not None:
        said.append(f"entry {found.broken_at} of the history was changed, or one before it is gone")
    if found.known_digest_found is False:
        said.append("no entry has the digest that you kept: the end of the history was cut off or rewritten")
    if found.disputed:
        where = ", ".join(str(number) for number in found.disputed_recalls) or "none"
        facts = number_of(found.disputed, "fact")
        said.append(f"{facts} shown to people not as the history has it (recalls {where}: `ledger show ID`)")
    return "; ".join(said)


def show_verification(paper: "Console", found: "Verification") -> None:
    """Write the proof that a history is whole."""
    paper.print(f"The history is whole: {number_of(found.entries, 'entry', 'entries')}, each in its place.")
    paper.print("Keep its last digest elsewhere: it proves later that nothing was cut off.")
    paper.print(f"  {found.last_digest}", soft_wrap=True)
