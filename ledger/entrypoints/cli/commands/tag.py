"""`ledger tag`: puts messages under a campaign that were sent without one, or under a wrong one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.core.recalls.selection import select
from ledger.entrypoints.cli import selection_options as options
from ledger.entrypoints.cli.options import Actor
from ledger.entrypoints.cli.screen.output import AsJson, document, tell
from ledger.entrypoints.cli.screen.words import number_of, plain
from ledger.entrypoints.process.book import opened
from ledger.services.access.actor import who_acts

if TYPE_CHECKING:
    from ledger.services.recording.tagger import Tagged


@options.selecting(options.FromCampaigns, "from_campaign")
def tag(
    campaign: Annotated[str, typer.Option("--campaign", help="The campaign that the messages belong to.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")],
    asked: options.SelectionOptions,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Put messages under a campaign that were sent without one.

    Messages of another campaign stay there, unless --from-campaign or --key names them. The history tells of it.
    """
    with opened() as parts:
        result = parts.tagger.tag(select(**asked), campaign=campaign, reason=reason, actor=who_acts(actor))
    if as_json:
        document(result)
        return
    for line in _lines(result, plain(campaign)):
        tell(line)


def _lines(result: "Tagged", campaign: str) -> Iterator[str]:
    yield f"{number_of(result.tagged, 'message')} tagged {campaign}"
    if result.left:
        yield f"{number_of(result.left, 'message')} left alone: tagged already; --from-campaign or --key moves them"
    if result.keyless:
        yield f"{number_of(result.keyless, 'send')} without a key tagged {campaign}: it counts them, no recall can"
    if result.keyless_left:
        sends = number_of(result.keyless_left, "send")
        yield f"{sends} without a key left alone: tagged already; --from-campaign moves them"
