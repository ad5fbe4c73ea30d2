"""`ledger refuse`: a second person does not agree to a recall."""

from typing import Annotated

import typer

from ledger.core.access.roles import Permission
from ledger.entrypoints.cli.correcting import correction_meant, shown_correction
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.process.book import opened


def refuse(
    recall_id: RecallId,
    reason: Annotated[str, typer.Option("--reason", help="Why not, for the history.")],
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Do not agree to what another person wants to recall; of a recall that has ended, to its correction."""
    with opened() as parts:
        who = who_is(parts, Permission.APPROVE, actor, token_file, recall_id)
        meant = correction_meant(parts, recall_id)
        if meant is not None:
            refused = parts.corrections.refuse(meant.id, reason=reason, actor=who.name, is_proven=who.is_proven)
            shown_correction(refused, as_json=as_json)
            return
        result = parts.lifecycle.refuse(recall_id, reason=reason, actor=who.name, is_proven=who.is_proven)
        if as_json:
            document(result)
        else:
            show_result(console(), result, (), now=parts.clock.now())
