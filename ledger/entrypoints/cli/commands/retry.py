"""`ledger retry`: asks again for what ended refused, partial or unknown."""

from ledger.entrypoints.cli.carry_out import finish
from ledger.entrypoints.cli.interruptible import run_interruptibly
from ledger.entrypoints.cli.options import Actor, RecallId, Verify, VerifyYes
from ledger.entrypoints.cli.read_status import verify_first
from ledger.entrypoints.cli.screen.output import AsJson
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.exits import Code
from ledger.errors import NothingEligibleError


def retry(
    recall_id: RecallId, verify: Verify = False, yes: VerifyYes = False, actor: Actor = None, as_json: AsJson = False
) -> Code:
    """Ask again for what ended refused, partial or unknown.

    Only while its deadline lasts. With --verify, what DingTalk says is recalled already is not asked again.
    """
    with opened() as book:
        if verify:
            verify_first(book, recall_id, yes=yes, actor=actor)
        try:
            result = run_interruptibly(
                book, recall_id, lambda show: book.retry(recall_id, actor=actor, on_progress=show), actor=actor
            )
        except NothingEligibleError:
            if not verify:
                raise
            # It may well be that all is settled now: then the result is the answer.
            result = book.show(recall_id).result
        return finish(book, result, as_json=as_json)
