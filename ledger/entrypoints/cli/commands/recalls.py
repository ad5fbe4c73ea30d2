"""`ledger recalls`: where recalls stand."""

from typing import Annotated

import typer

from ledger.core.recall import Status
from ledger.entrypoints.cli.options import Limit
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import is_are, number_of
from ledger.entrypoints.process.book import opened

ShowAll = Annotated[bool, typer.Option("--all", help="Also plans that nobody has run, such as those of dry runs.")]
RAN = tuple(status for status in Status if status is not Status.PLANNED)


def recalls(limit: Limit = None, show_all: ShowAll = False, as_json: AsJson = False) -> None:
    """Show where recalls stand, newest first.

    Plans that nobody has run are shown with --all, and with --json; those that wait for a second person always.
    """
    from ledger.entrypoints.cli.screen.results import waits_for_approval
    from ledger.entrypoints.cli.screen.tables import print_recalls

    with opened() as parts:
        if as_json:
            document(parts.current_recalls.results(limit=limit))
            return
        results = parts.current_recalls.results(statuses=tuple(Status) if show_all else RAN, limit=limit)
        planned = [] if show_all else parts.current_recalls.results(statuses=(Status.PLANNED,))
        now = parts.clock.now()
    # Whoever has to agree must find it, however many recalls are newer.
    waiting = [result for result in planned if waits_for_approval(result, now)]
    plans = len(planned) - len(waiting)
    results = sorted([*results, *waiting], key=lambda result: result.recall_id, reverse=True)
    if results:
        print_recalls(console(), results, now)
    elif not plans:
        say("there is no recall yet")
    if plans:
        say(f"{number_of(plans, 'plan')} that nobody has run {is_are(plans)} left out: --all shows them too")
