"""Recalls as they stand at this moment, for commands and programs that look without a worker beside them.

A report only reads (`reports/`). Calls of a cancelled recall that nobody answers for any more are ended before it is
made, which workers do as a chore.
"""

from collections.abc import Sequence

from ledger.core.recalls.recall import Result, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL, RecallFilter
from ledger.services.recalls.pacing.leases import LostCalls
from ledger.services.reports.recalls import RecallReport, RecallReports


class CurrentRecalls:
    """Says where recalls stand, once what was lost is ended."""

    def __init__(self, lost_calls: LostCalls, reports: RecallReports) -> None:
        self._lost_calls, self._reports = lost_calls, reports

    def result(self, recall_id: int) -> Result:
        """Return where one recall stands; raise UnknownRecallError."""
        self._lost_calls.run_once()
        return self._reports.result(recall_id)

    def results(
        self,
        *,
        statuses: Sequence[Status] = tuple(Status),
        asked: RecallFilter = EVERY_RECALL,
        limit: int | None = None,
    ) -> list[Result]:
        """Return where recalls in given states that somebody looks for stand, newest first."""
        self._lost_calls.run_once()
        return self._reports.results(statuses=statuses, asked=asked, limit=limit)

    def report(self, recall_id: int) -> RecallReport:
        """Return one recall whole; raise UnknownRecallError."""
        self._lost_calls.run_once()
        return self._reports.report(recall_id)

    def waiting(self) -> list[int]:
        """Return the numbers of the recalls that have not ended, the soonest deadline first."""
        self._lost_calls.run_once()
        return self._reports.unfinished()
