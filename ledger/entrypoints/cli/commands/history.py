"""The history: what became of every key, as a table, as CSV or as JSON, without ever holding it whole."""

import csv
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recall import Outcome
from ledger.core.selection import select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.screen.output import AsJson, console, document_of_list, in_batches, say
from ledger.entrypoints.process.book import opened

if TYPE_CHECKING:
    from ledger.core.recall import Item

BATCH_ROWS = 200


def history(
    campaign: options.Campaigns = None,
    untagged: options.Untagged = False,
    source: options.Source = None,
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
    asked = options.gather(
        campaign=campaign,
        untagged=untagged,
        source=source,
        users=user,
        keys=key,
        keys_file=keys_file,
        robot=robot,
        since=since,
        until=until,
    )
    with opened() as parts:
        items = parts.recall_reports.history(select(**asked), outcome=outcome, actor=actor, limit=limit)
        if as_json:
            document_of_list(items)
        elif as_csv:
            _write_csv(items)
        else:
            _write_tables(items)


def _write_tables(items: "Iterable[Item]") -> None:
    from ledger.entrypoints.cli.screen.tables import print_history

    paper, is_first = console(), True

    def write(batch: "Sequence[Item]") -> None:
        nonlocal is_first
        print_history(paper, batch, show_header=is_first)
        is_first = False

    if not in_batches(items, BATCH_ROWS, write):
        say("the history holds nothing that fits")


def _write_csv(items: "Iterable[Item]") -> None:
    """Write RFC 4180: lines end in CR LF, values are verbatim."""
    from ledger.entrypoints.formats.history_csv import COLUMNS, cells

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    writer.writerows(map(cells, items))
