"""`ledger retry`: asks again for what ended refused, partial or unknown."""

from ledger.core.access.roles import Permission
from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, RecallId, SpotCheckSize, Verify, Yes
from ledger.entrypoints.cli.proof import TokenFile, who_is
from ledger.entrypoints.cli.read_status import verify_first, verify_is_wanted
from ledger.entrypoints.cli.screen.asking_again import say_price
from ledger.entrypoints.cli.screen.confirmation import confirm_retry
from ledger.entrypoints.cli.screen.output import AsJson
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import NothingEligibleError


def retry(
    recall_id: RecallId,
    verify: Verify = False,
    sample: SpotCheckSize = None,
    yes: Yes = False,
    token_file: TokenFile = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> Code:
    """Ask again for what ended refused, partial or unknown.

    Only while its deadline lasts, and not what was refused for good; whoever sits at a terminal is asked first. With
    --verify, what DingTalk says is recalled already is not asked again.
    """
    with opened() as parts:
        who = who_is(parts, Permission.RECALL, actor, token_file, recall_id)
        if verify_is_wanted(verify, sample):
            verify_first(parts, recall_id, yes=yes, actor=who.name, sample=sample)
        ask = parts.recall_reports.ask_again(recall_id)
        say_price(ask)
        if ask.messages and not yes:
            confirm_retry()
        try:
            result = run_interruptibly(
                parts,
                recall_id,
                lambda show: parts.lifecycle.retry(
                    recall_id, actor=who.name, is_proven=who.is_proven, on_progress=show
                ),
                actor=who.name,
            )
        except NothingEligibleError:
            if not verify:
                raise
            # It may well be that all is settled now: then the result is the answer.
            result = parts.current_recalls.result(recall_id)
        return finish(parts, result, as_json=as_json)
