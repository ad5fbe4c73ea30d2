"""`ledger approve`: a second person agrees to a recall that is larger than one may start alone."""

from functools import partial

from ledger.core.access.roles import Permission
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.correcting import correction_meant, sent_watched, shown_correction
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, RecallId
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.screen.output import AsJson
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code


def approve(recall_id: RecallId, token_file: TokenFile = None, actor: Actor = None, as_json: AsJson = False) -> Code:
    """Agree to what another person wants to recall, and run it; of a recall that has ended, to its correction."""
    with opened() as parts:
        who = who_is(parts, Permission.APPROVE, actor, token_file, recall_id)
        meant = correction_meant(parts, recall_id)
        if meant is not None:
            agree = partial(parts.corrections.approve, meant.id, actor=who.name, is_proven=who.is_proven)
            sent = sent_watched(parts, meant.id, lambda show: agree(on_progress=show), actor=who.name)
            return shown_correction(sent, as_json=as_json)
        result = run_interruptibly(
            parts,
            recall_id,
            lambda show: parts.lifecycle.approve(recall_id, actor=who.name, is_proven=who.is_proven, on_progress=show),
            actor=who.name,
        )
        return finish(parts, result, as_json=as_json)
