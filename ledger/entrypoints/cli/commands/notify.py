"""Who hears of what happened: `ledger notify test`, `places`, `watch`, `unwatch`."""

from typing import Annotated

import typer

from ledger.core.recalls.selection import select
from ledger.entrypoints.cli.durations import read_notice
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.near import near_in_words
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.words import moment, plain, span
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.services.access.actor import who_acts

app = typer.Typer(help="Tell a chat, a mailbox or a webhook what happened.", no_args_is_help=True)

Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN")]


@app.command("test")
def send_test(actor: Actor = None, as_json: AsJson = False) -> None:
    """Send a test to every place of the settings, and say where it has arrived."""
    with opened() as parts:
        found = parts.notice_desk.test(who_acts(actor))
    if as_json:
        document({"places": [{"name": name, "error": error} for name, error in found.items()]})
    for name, error in found.items() if not as_json else ():
        console().print(f"{plain(name)}: {'arrived' if error is None else plain(error)}", soft_wrap=True)
    if any(error is not None for error in found.values()):
        raise typer.Exit(Code.INCOMPLETE)


@app.command()
def places(as_json: AsJson = False) -> None:
    """Show where notices go, and how that stands."""
    with opened() as parts:
        found, watched = parts.notice_desk.places(), parts.notice_desk.watched()
    if as_json:
        document({"places": found, "watched": watched})
        return
    if not found:
        say("notices go nowhere: set LEDGER_NOTIFY_URLS or LEDGER_WEBHOOK_URLS")
    for place in found:
        arrived = (
            "none has arrived yet" if place.reached_at is None else f"the last one arrived {moment(place.reached_at)}"
        )
        failing = f"; none since {moment(place.failing_since)}: {plain(place.error)}" if place.failing_since else ""
        counts = f"; {place.waiting:,} waiting" + (f", {place.given_up:,} given up" if place.given_up else "")
        console().print(f"{plain(place.name)}: {arrived}{failing}{counts}", soft_wrap=True)
    for one in watched:
        console().print(
            f"watched: {plain(one.campaign)}, {span(one.before_seconds)} before, by {plain(one.watched_by)}",
            soft_wrap=True,
        )


@app.command()
def watch(
    campaign: Campaign,
    before: Annotated[
        str, typer.Option("--before", metavar="D", help="How long before the first deadline, as in 30m or 2h.")
    ] = "2h",
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Tell of a campaign before the first of its messages cannot be recalled any more."""
    seconds = read_notice(before)
    with opened() as parts:
        watched = parts.notice_desk.watch(campaign, int(seconds), actor=who_acts(actor))
        goes_somewhere = bool(parts.settings.notice_places)
        unknown = near_in_words(parts.names.near(select(campaign=campaign)))
    if as_json:
        document(watched)
    else:
        console().print(f"{plain(campaign)} is watched: {span(watched.before_seconds)} before its first deadline.")
    if unknown:
        say(f"note: {unknown}")
    if not goes_somewhere:
        say("notices go nowhere yet: set LEDGER_NOTIFY_URLS or LEDGER_WEBHOOK_URLS for the worker")


@app.command()
def unwatch(campaign: Campaign) -> None:
    """Tell of a campaign no more."""
    with opened() as parts:
        parts.notice_desk.unwatch(campaign)
    console().print(f"{plain(campaign)} is not watched any more.")
