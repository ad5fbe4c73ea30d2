"""`ledger tag`: puts messages under a campaign that were sent without one, or under a wrong one."""

from typing import Annotated

import typer

from ledger.core.selection import select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.words import number_of, plain
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts


def tag(
    campaign: Annotated[str, typer.Option("--campaign", help="The campaign that the messages belong to.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")],
    from_campaign: Annotated[
        list[str] | None, typer.Option("--from-campaign", metavar="NAME", help="Move those of this campaign too.")
    ] = None,
    untagged: options.Untagged = False,
    source: options.Source = None,
    user: options.Users = None,
    key: options.Keys = None,
    keys_file: options.KeysFile = None,
    robot: options.Robot = None,
    since: options.Since = None,
    until: options.Until = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Put messages under a campaign that were sent without one.

    Messages of another campaign stay there, unless --from-campaign or --key names them. The history tells of it.
    """
    asked = options.gather(
        campaign=from_campaign,
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
        result = parts.tagger.tag(select(**asked), campaign=campaign, reason=reason, actor=who_acts(actor))
    if as_json:
        document(result)
        return
    paper = console()
    paper.print(f"{number_of(result.tagged, 'message')} tagged {plain(campaign)}")
    if result.left:
        paper.print(
            f"{number_of(result.left, 'message')} left alone: tagged already; --from-campaign or --key moves them",
            soft_wrap=not paper.is_terminal,
        )
