"""`ledger messages`: what is recorded and selected, a message a line, soonest deadline first."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import csv_options as csv
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.screen.near import near_after
from ledger.entrypoints.cli.screen.output import AsJson, batches, console, document_of_list, lines_of_json, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves
from ledger.errors import EmptySelectionError

if TYPE_CHECKING:
    from ledger.core.recalls.selection import Selection
    from ledger.core.recording.recorded_message import RecordedMessage
    from ledger.parts import Parts

BATCH_ROWS = 200


@options.selecting(options.CampaignPatterns)
@until_reader_leaves
def messages(
    asked: options.SelectionOptions,
    recallable: Annotated[bool, typer.Option("--recallable", help="Only what can still be recalled.")] = False,
    limit: Limit = None,
    as_csv: csv.AsCsv = False,
    excel: csv.ForExcel = False,
    as_json: AsJson = False,
    as_lines: csv.AsLines = False,
) -> None:
    """Show what is recorded and selected, soonest deadline first.

    It is purged once it cannot be recalled any more; the outcomes are in `ledger history`.
    """
    form = csv.csv_form(as_csv=as_csv, excel=excel, others=csv.named(as_json, as_lines))
    with opened() as parts:
        selection = select(**options.meant(parts, asked))
        if selection.is_empty:
            raise EmptySelectionError
        parts.recorder.catch_up()
        found = islice(_messages(parts, selection, only_recallable=recallable), limit)
        if as_json:
            document_of_list(found)
        elif as_lines:
            lines_of_json(found)
        elif form is not None:
            from ledger.entrypoints.formats.messages_csv import messages_as_csv

            csv.write_csv(messages_as_csv(batches(found, BATCH_ROWS), form))
        else:
            _show(parts, selection, found)


def _messages(parts: "Parts", selection: "Selection", *, only_recallable: bool) -> "Iterator[RecordedMessage]":
    from ledger.services.reports.list_page import PAGE_ROWS_MAX, every_page

    return chain.from_iterable(
        every_page(
            lambda cursor: parts.pages.messages(
                selection, only_recallable=only_recallable, cursor=cursor, limit=PAGE_ROWS_MAX
            )
        )
    )


def _show(parts: "Parts", selection: "Selection", found: "Iterator[RecordedMessage]") -> None:
    from ledger.entrypoints.cli.screen.messages import print_messages

    paper, is_first = console(), True
    for some in batches(found, BATCH_ROWS):
        print_messages(paper, some, parts.clock.now(), show_header=is_first, with_campaign=selection.campaign is None)
        is_first = False
    if is_first:
        say(f"the ledger holds no message that fits{near_after(parts.names.near(selection))}")
