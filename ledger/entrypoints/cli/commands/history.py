"""The history: what became of every key, as a table, as CSV or as JSON, without ever holding it whole."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.period import period_of_recall
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import csv_options as csv
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.recalled_options import RecalledSince, RecalledUntil, recalled_times
from ledger.entrypoints.cli.screen.near import near_after
from ledger.entrypoints.cli.screen.output import AsJson, batches, console, document_of_list, lines_of_json, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from ledger.core.recalls.recall import Item

BATCH_ROWS = 200


@options.selecting()
@until_reader_leaves
def history(
    asked: options.SelectionOptions,
    outcome: Annotated[Outcome | None, typer.Option("--outcome", help="Only what ended so.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this person recalled.")] = None,
    recalled_since: RecalledSince = None,
    recalled_until: RecalledUntil = None,
    limit: Limit = None,
    as_csv: csv.AsCsv = False,
    excel: csv.ForExcel = False,
    raw: csv.Raw = False,
    per_person: csv.PerPerson = False,
    as_json: AsJson = False,
    as_lines: csv.AsLines = False,
) -> None:
    """Show the outcome of every key, newest first.

    It stays when the messages are purged.
    """
    form = csv.csv_form(as_csv=as_csv, excel=excel, raw=raw, per_person=per_person, others=csv.named(as_json, as_lines))
    recalled = period_of_recall(*recalled_times(recalled_since, recalled_until))
    with opened() as parts:
        items = parts.recall_reports.history(
            select(**asked), outcome=outcome, actor=actor, recalled=recalled, limit=limit
        )
        if as_json:
            document_of_list(items)
        elif as_lines:
            lines_of_json(items)
        elif form is not None:
            from ledger.entrypoints.formats.history_csv import written_as_csv

            csv.write_csv(written_as_csv((), batches(items, BATCH_ROWS), form))
        elif not _write_tables(items):
            near = near_after(parts.names.near_in_history(select(**asked), actor))
            say(f"the history holds nothing that fits{near}")


def _write_tables(items: "Iterable[Item]") -> bool:
    """Write what there is; say whether that was anything."""
    from ledger.entrypoints.cli.screen.tables import print_history

    paper, is_first = console(), True
    for batch in batches(items, BATCH_ROWS):
        print_history(paper, batch, show_header=is_first)
        is_first = False
    return not is_first
