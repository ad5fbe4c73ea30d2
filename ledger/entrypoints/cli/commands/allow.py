"""`ledger allow`: lets a campaign be sent again that was stopped with its recall."""

from typing import Annotated

import typer

from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import moment, plain
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts


def allow(
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="Without one, what is stopped.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Let a campaign be sent again that `ledger recall --stop-sending` stopped."""
    with opened() as parts:
        if campaign is not None:
            parts.sending_stops.allow(campaign, actor=who_acts(actor))
        stopped = parts.sending_stops.listed()
    if as_json:
        document({"stopped": stopped})
    elif campaign is not None:
        console().print(f"{plain(campaign)} can be sent again.")
    elif not stopped:
        say("nothing is stopped")
    else:
        for one in stopped:
            who = f"by {plain(one.stopped_by)} {moment(one.stopped_at)}"
            why = f", with recall {one.recall_id}" if one.recall_id is not None else ""
            console().print(f"{plain(one.campaign)}: stopped {who}{why}", soft_wrap=True)
