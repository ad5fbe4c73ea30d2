"""`ledger people`: who has it, who lost it, who still has it, who never got it; one person a line."""

from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.persons.reached_people import PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import csv_options as csv
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.screen.near import near_after
from ledger.entrypoints.cli.screen.output import AsJson, batches, console, document_of_list, lines_of_json, say
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.xlsx_option import AsXlsx, write_xlsx
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.core.persons.reached_people import PersonLine
    from ledger.parts import Parts
    from ledger.services.reports.people import Whose

BATCH_ROWS = 200


@options.selecting(options.CampaignPatterns)
@until_reader_leaves
def people(
    asked: options.SelectionOptions,
    recall_id: Annotated[
        int | None, typer.Option("--recall", metavar="ID", min=1, help="The people of this recall, not of a selection.")
    ] = None,
    outcome: Annotated[
        Outcome | None, typer.Option("--outcome", help="With --recall: whose message ended so, at least one.")
    ] = None,
    only: Annotated[
        PersonStanding | None,
        typer.Option(
            "--only", help="Who still has a message, of whom nobody can say, who lost all, who never got any."
        ),
    ] = None,
    limit: Limit = None,
    as_csv: csv.AsCsv = False,
    excel: csv.ForExcel = False,
    as_xlsx: AsXlsx = None,
    as_json: AsJson = False,
    as_lines: csv.AsLines = False,
) -> None:
    """Show who has it and who lost it, one person a line.

    Of messages that are selected and still recorded, or of a recall, which knows its people for good.
    """
    from ledger.services.reports.people import Whose

    others = [*csv.named(as_json, as_lines), *(["--xlsx"] if as_xlsx is not None else [])]
    form = csv.csv_form(as_csv=as_csv, excel=excel, others=others)
    if recall_id is not None and any(asked.values()):
        raise typer.BadParameter("--recall is a selection by itself: leave the others out")
    if recall_id is None and outcome is not None:
        raise typer.BadParameter("--outcome is how messages of a recall ended: name one with --recall")
    with opened() as parts:
        whose = Whose(recall_id=recall_id, selection=select(**options.meant(parts, asked)))
        if recall_id is None:
            parts.recorder.catch_up()
        lines = parts.people.lines(whose, standing=only, outcome=outcome, limit=limit)
        # What fails, fails here: nothing has been written yet.
        first = list(islice(lines, 1))
        lines = chain(first, lines)
        if as_json:
            document_of_list(lines)
        elif as_lines:
            lines_of_json(lines)
        elif as_xlsx is not None:
            from ledger.entrypoints.formats.people_rows import COLUMNS, person_cells

            write_xlsx(as_xlsx, "People", COLUMNS, map(person_cells, lines))
            say(f"written to {as_xlsx}")
        elif form is not None:
            from ledger.entrypoints.formats.people_rows import people_as_csv

            csv.write_csv(people_as_csv(batches(lines, BATCH_ROWS), form))
        else:
            _show(parts, whose, lines)


def _show(parts: "Parts", whose: "Whose", lines: "Iterator[PersonLine]") -> None:
    from ledger.entrypoints.cli.screen.people import people_in_words, print_people

    paper, is_first = console(), True
    if (message := people_in_words(parts.people.count(whose))) is not None:
        sentence(paper, f"{message[0].upper()}{message[1:]}.", style="bold")
    for some in batches(lines, BATCH_ROWS):
        print_people(paper, some, show_header=is_first)
        is_first = False
    if is_first:
        say(f"there is nobody who fits{near_after(parts.names.near(whose.selection))}")
