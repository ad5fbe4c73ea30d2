"""`ledger approve`: a second person agrees to a recall that is larger than one may start alone."""

from ledger.core.roles import Permission
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.output import AsJson
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code


def approve(recall_id: RecallId, token_file: TokenFile = None, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Agree to what another person wants to recall, and run it."""
    with opened() as parts:
        who = who_is(parts, Permission.APPROVE, actor, token_file, recall_id)
        result = run_interruptibly(
            parts,
            recall_id,
            lambda show: parts.lifecycle.approve(recall_id, actor=who.name, is_proven=who.is_proven, on_progress=show),
            actor=who.name,
        )
        return finish(parts, result, as_json=as_json)
