"""`ledger recalls`: where recalls stand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recalls.recall import Status
from ledger.core.recalls.recall_filter import RecallFilter, recall_filter
from ledger.entrypoints.cli import csv_options as csv
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.recalled_options import RecalledSince, RecalledUntil, recalled_times
from ledger.entrypoints.cli.screen.output import AsJson, console, document, lines_of_json, say
from ledger.entrypoints.cli.screen.words import is_are, number_of
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

if TYPE_CHECKING:
    from ledger.parts import Parts

ShowAll = Annotated[bool, typer.Option("--all", help="Also plans that nobody has run, such as those of dry runs.")]
Campaigns = Annotated[
    list[str] | None,
    typer.Option("--campaign", metavar="NAME", help="Only of this campaign: asked for, or of a message that ended."),
]
Statuses = Annotated[list[Status] | None, typer.Option("--status", help="Only in this state; repeatable.")]
RAN = tuple(status for status in Status if status is not Status.PLANNED)


@until_reader_leaves
def recalls(
    campaign: Campaigns = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Only of this person.")] = None,
    status: Statuses = None,
    recalled_since: RecalledSince = None,
    recalled_until: RecalledUntil = None,
    limit: Limit = None,
    show_all: ShowAll = False,
    as_csv: csv.AsCsv = False,
    excel: csv.ForExcel = False,
    raw: csv.Raw = False,
    as_json: AsJson = False,
    as_lines: csv.AsLines = False,
) -> None:
    """Show where recalls stand, newest first; what waits for a second person is on top.

    Plans that nobody has run are shown with --all, --json and --csv; those that wait for a second person, or a moment,
    always.
    """
    form = csv.csv_form(as_csv=as_csv, excel=excel, raw=raw, others=csv.named(as_json, as_lines))
    since, until = recalled_times(recalled_since, recalled_until)
    asked = recall_filter(campaign=campaign or None, actor=actor, recalled_since=since, recalled_until=until)
    with opened() as parts:
        if not as_json and not as_lines and form is None:
            _show(parts, asked, tuple(status or ()) or (tuple(Status) if show_all else RAN), limit)
            return
        now = parts.clock.now()
        results = parts.current_recalls.results(statuses=tuple(status or Status), asked=asked, limit=limit)
    if form is not None:
        from ledger.entrypoints.formats.recalls_csv import recalls_as_csv

        csv.write_csv(recalls_as_csv([results], form, now=now))
    elif as_lines:
        lines_of_json(results)
    else:
        document(results)


def _show(parts: "Parts", asked: RecallFilter, statuses: Sequence[Status], limit: int | None) -> None:
    from ledger.entrypoints.cli.screen.recall_notes import notes_of
    from ledger.entrypoints.cli.screen.results import is_asked_for
    from ledger.entrypoints.cli.screen.tables import print_recalls

    results = parts.current_recalls.results(statuses=statuses, asked=asked, limit=limit)
    # Who names states wants no others.
    with_plans = statuses == RAN
    planned = parts.current_recalls.results(statuses=(Status.PLANNED,), asked=asked) if with_plans else []
    now = parts.clock.now()
    # Whoever has to agree must find it, however many recalls are newer.
    waiting = [result for result in planned if is_asked_for(result, now) or result.is_scheduled]
    plans = len(planned) - len(waiting)
    results = sorted([*results, *waiting], key=lambda result: (not is_asked_for(result, now), -result.recall_id))
    if results:
        print_recalls(console(), parts.recall_lines.of(results), now, notes_of(parts, results))
    elif not plans:
        say("there is no recall yet" if asked == RecallFilter() and with_plans else "there is no such recall")
    if to_review := parts.recall_reports.to_review():
        numbers = ", ".join(map(str, to_review))
        say(f"ran without the second person that was needed: {numbers}. Another one has to `ledger review ID`")
    if plans:
        say(f"{number_of(plans, 'plan')} that nobody has run {is_are(plans)} left out: --all shows them too")
