"""What makes corrections."""

from typing import TYPE_CHECKING

from ledger.parts.part import part
from ledger.parts.recalls import RecallParts

if TYPE_CHECKING:
    from ledger.services.corrections.corrections import Corrections
    from ledger.services.corrections.planner import CorrectionPlanner
    from ledger.services.corrections.sender import Sender


class CorrectionParts(RecallParts):
    """From the plan of a correction to its last send."""

    @part
    def correction_planner(self) -> "CorrectionPlanner":
        """Makes plans of corrections."""
        from ledger.services.corrections.planner import CorrectionPlanner

        return CorrectionPlanner(self.opened(), self.clock, self.pace_clock, self.settings, self.preflight)

    @part
    def corrections(self) -> "Corrections":
        """Moves corrections from state to state."""
        from ledger.services.corrections.corrections import Corrections

        reports = self.correction_reports
        return Corrections(self.opened(), self.clock, self.settings, self.caller, self.sender, reports)

    @part
    def sender(self) -> "Sender":
        """Sends corrections."""
        from ledger.services.corrections.sender import Sender

        return Sender(
            self.opened(),
            self.caller,
            self.recorder.send_recorder,
            self.clock,
            self.pace_clock,
            self.settings,
            self.executor or self.threads,
            self.outage,
        )
