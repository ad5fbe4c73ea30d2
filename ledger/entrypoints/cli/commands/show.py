"""`ledger show`: one recall whole."""

from ledger.entrypoints.cli.options import RecallId, SpotCheckSize, Verify, VerifyYes
from ledger.entrypoints.cli.read_status import verify_first, verify_is_wanted
from ledger.entrypoints.cli.screen.output import AsJson, console, document
from ledger.entrypoints.process.book import opened
from ledger.entrypoints.process.streams import until_reader_leaves


@until_reader_leaves
def show(
    recall_id: RecallId,
    verify: Verify = False,
    sample: SpotCheckSize = None,
    yes: VerifyYes = False,
    as_json: AsJson = False,
) -> None:
    """Show one recall with its messages and calls.

    How it stands, every message with its outcome, what it left out, every call.
    """
    with opened() as parts:
        if verify_is_wanted(verify, sample):
            verify_first(parts, recall_id, yes=yes, sample=sample)
        report, now = parts.current_recalls.report(recall_id), parts.clock.now()
    if as_json:
        document(report.to_json())
        return
    from ledger.entrypoints.cli.screen.recall_report import show_report

    show_report(console(), report, now)
