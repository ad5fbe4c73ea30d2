"""`ledger reads`: who has read it, asked of DingTalk, once somebody has agreed to the price."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.access.roles import Permission
from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.confirmation import confirm_inquiry
from ledger.entrypoints.cli.screen.output import AsJson, console, document, say
from ledger.entrypoints.cli.screen.reads import price_in_words, report_in_words
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.process.book import opened

if TYPE_CHECKING:
    from ledger.core.readers.read_sample import ReadReport
    from ledger.parts import Parts
    from ledger.services.reports.people import Whose


@options.selecting(options.CampaignPatterns)
def reads(
    asked: options.SelectionOptions,
    recall_id: Annotated[
        int | None,
        typer.Option("--recall", metavar="ID", min=1, help="The messages of this recall, not of a selection."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample", metavar="N", min=1, help="Ask about so many, drawn by lot. Without: what the month can spare."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it costs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask DingTalk without a question.")] = False,
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Ask DingTalk who has read it: a sample, with the share of all as a range.

    Each message costs a call of the month's quota, one of a large group more. What was answered is kept: asked before a
    recall, its report says how many it reached unread. Interrupted, it goes on when it is asked again.
    """
    from ledger.services.reports.people import Whose

    if recall_id is not None and any(asked.values()):
        raise typer.BadParameter("--recall is a selection by itself: leave the others out")
    with opened() as parts:
        who = who_is(parts, Permission.RECALL, actor, token_file, recall_id)
        selection = select(**options.meant(parts, asked, who.bounds), within=who.bounds)
        whose = Whose(recall_id=recall_id, selection=selection)
        if recall_id is None:
            parts.recorder.catch_up()
        price = parts.read_asker.price(whose, sample=sample)
        if dry_run and as_json:
            document(price)
            return
        say(price_in_words(price))
        if dry_run:
            return
        if price.calls and not yes:
            confirm_inquiry()
        report = _ask(parts, whose, sample, who.name)
        if as_json:
            document(report)
            return
        paper = console()
        for line in report_in_words(report):
            sentence(paper, line)


def _ask(parts: "Parts", whose: "Whose", sample: int | None, actor: str) -> "ReadReport":
    screen = console(to_stderr=True)
    with screen.status("asking DingTalk") if screen.is_terminal else nullcontext() as status:

        def tell(done: int, total: int) -> None:
            if status is not None:
                status.update(f"asking DingTalk: {done:,} of {total:,} messages")

        return parts.read_asker.ask(whose, sample=sample, actor=actor, on_asked=tell)
