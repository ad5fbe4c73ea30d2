"""`ledger review`: another person looks at a recall that was started without a second one."""

from typing import Annotated

import typer

from ledger.core.access.roles import Permission
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.process.book import opened


def review(
    recall_id: RecallId,
    reason: Annotated[str, typer.Option("--reason", help="What you make of it, for the history.")],
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Say what to make of a recall that somebody else started with --break-glass."""
    with opened() as parts:
        who = who_is(parts, Permission.APPROVE, actor, token_file, recall_id)
        result = parts.lifecycle.review(recall_id, reason=reason, actor=who.name, is_proven=who.is_proven)
        if as_json:
            document(result)
        else:
            show_result(console(), result, (), now=parts.clock.now())
