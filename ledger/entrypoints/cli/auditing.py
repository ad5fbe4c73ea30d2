"""Looking: what can be recalled, where recalls stand, what became of every key, and that nobody rewrote it."""

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Outcome
from ledger.entrypoints.cli import selection as options
from ledger.entrypoints.cli.book import RecallId, opened
from ledger.entrypoints.cli.exits import Code
from ledger.entrypoints.cli.output import AsJson, console, document, document_of_list, in_batches, say
from ledger.entrypoints.cli.words import number_of

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.recall import Item
    from ledger.services.verifier import Verification

BATCH_ROWS = 200

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


def recalls(limit: Limit = None, as_json: AsJson = False) -> None:
    """Show where recalls stand, newest first."""
    from ledger.entrypoints.cli.tables import print_recalls

    with opened() as book:
        results = book.recalls(limit=limit)
    if as_json:
        document(results)
    elif results:
        print_recalls(console(), results)
    else:
        say("there is no recall yet")


def show(recall_id: RecallId, as_json: AsJson = False) -> None:
    """Show one recall with its messages and calls.

    How it stands, every message with its outcome, what it left out, every call.
    """
    with opened() as book:
        report = book.show(recall_id)
    if as_json:
        document(report.to_json())
        return
    from ledger.entrypoints.cli.reports import show_report

    show_report(console(), report)


def history(
    campaign: options.Campaign = None,
    user: options.Users = None,
    key: options.Keys = None,
    keys_file: options.KeysFile = None,
    robot: options.Robot = None,
    since: options.Since = None,
    until: options.Until = None,
    outcome: Annotated[Outcome | None, typer.Option("--outcome", help="Only what ended so.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this person recalled.")] = None,
    limit: Limit = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV with a header.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the outcome of every key, newest first.

    It stays when the messages are purged.
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    asked = options.gather(campaign, user, key, keys_file, robot, since, until)
    with opened() as book:
        items = book.history(outcome=outcome, actor=actor, limit=limit, **asked)
        if as_json:
            document_of_list(items)
        elif as_csv:
            _write_csv(items)
        else:
            _write_tables(items)


def verify(as_json: AsJson = False) -> Code:
    """Prove that nobody rewrote the history.

    Exit 1 when somebody did.
    """
    with opened() as book:
        found = book.verify()
    if as_json:
        document(found)
    elif found.ok:
        show_verification(console(), found)
    else:
        at = f"entry {found.broken_at} was changed" if found.broken_at is not None else "no entry was changed"
        say(f"error: the history was rewritten: {at}; {number_of(found.disputed, 'outcome')} not as it says")
    return Code.DONE if found.ok else Code.UNEXPECTED


def show_verification(paper: "Console", found: "Verification") -> None:
    """Write the proof that a history is whole."""
    paper.print(f"The history is whole: {number_of(found.entries, 'entry', 'entries')}, each in its place.")
    paper.print("Keep its last digest elsewhere: it proves later that nothing was cut off.")
    paper.print(f"  {found.last_digest}", soft_wrap=True)


def _write_tables(items: "Iterable[Item]") -> None:
    from ledger.entrypoints.cli.tables import print_history

    paper, is_first = console(), True

    def write(batch: "Sequence[Item]") -> None:
        nonlocal is_first
        print_history(paper, batch, show_header=is_first)
        is_first = False

    if not in_batches(items, BATCH_ROWS, write):
        say("the history holds nothing that fits")


def _write_csv(items: "Iterable[Item]") -> None:
    """Write RFC 4180: lines end in CR LF, values are verbatim."""
    from ledger.entrypoints.cli.cells import COLUMNS, cells

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(map(cells, items))
