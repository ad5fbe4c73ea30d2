"""`ledger campaigns`: what can still be recalled, and for how long."""

from typing import Annotated

import typer

from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves

ShowAll = Annotated[
    bool, typer.Option("--all", help="Also what does not fit the screen, and what nobody can recall any more.")
]


@until_reader_leaves
def campaigns(show_all: ShowAll = False, as_json: AsJson = False) -> None:
    """Show what can still be recalled, and for how long, the most urgent first.

    On a terminal as many as it has lines for; --json has all of them.
    """
    with opened() as parts:
        lines, now, where = parts.campaigns(), parts.clock.now(), parts.database.shown_url
    if as_json:
        document(lines)
    elif lines:
        from ledger.entrypoints.cli.screen.tables import print_campaigns

        print_campaigns(console(), lines, now, show_all=show_all)
    else:
        say(f"the ledger at {where} holds no message: `ledger record` and `ledger import` put some in")
