"""What proves what was done, and takes the proof outside."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from ledger.errors import AuditError
from ledger.parts.part import part
from ledger.parts.reports import ReportParts

if TYPE_CHECKING:
    from ledger.services.audit.audit_verifier import AuditVerifier
    from ledger.services.audit.checkpointer import Checkpointer
    from ledger.services.audit.evidence import Evidence
    from ledger.services.audit.read_log import ReadLog
    from ledger.services.audit.read_sealer import ReadSealer
    from ledger.services.audit.retention import Retention
    from ledger.services.reports.verifier import Verifier


class AuditParts(ReportParts):
    """Checks of the history, checkpoints, evidence, and who read it."""

    @part
    def verifier(self) -> "Verifier":
        """Proves the history."""
        from ledger.services.audit.dispute_keeper import DisputeKeeper
        from ledger.services.reports.verifier import Verifier

        return Verifier(self.opened(), DisputeKeeper(self.opened(), self.clock).noting)

    @part
    def audit_verifier(self) -> "AuditVerifier":
        """Proves the history by what was kept outside."""
        from ledger.services.audit.audit_verifier import AuditVerifier

        settings = self.settings
        return AuditVerifier(self.opened(), self.verifier, settings.audit_tsa_roots_file, settings.history_days)

    @part
    def retention(self) -> "Retention":
        """Lets go what is older than the history is kept."""
        from ledger.services.audit.retention import Retention

        return Retention(self.opened(), self.clock, self.verifier, self.settings.history_days)

    @part
    def checkpointer(self) -> "Checkpointer":
        """Signs how far the history has come, and takes that outside."""
        from ledger.dingtalk.outgoing import Outgoing
        from ledger.services.audit.anchors import anchors_of
        from ledger.services.audit.checkpointer import Checkpointer
        from ledger.services.audit.keys import private_key
        from ledger.services.audit.timestamps import stamp_of

        settings = self.settings
        post, tsa = Outgoing(settings.http_timeout_seconds, AuditError).post, settings.audit_tsa_url
        return Checkpointer(
            self.opened(),
            self.clock,
            timedelta(seconds=settings.audit_checkpoint_seconds),
            partial(private_key, settings),
            anchors_of(settings, post),
            None if tsa is None else partial(stamp_of, url=tsa, post=post),
        )

    @part
    def evidence(self) -> "Evidence":
        """Hands out what proves recalls."""
        from ledger.services.audit.evidence import Evidence

        return Evidence(self.opened(), self.clock, self.recall_reports, self.checkpointer, self.verifier)

    @part
    def read_log(self) -> "ReadLog":
        """Notes who reads the audit over HTTP."""
        from ledger.services.audit.read_log import ReadLog

        return ReadLog(self.opened)

    @part
    def read_sealer(self) -> "ReadSealer":
        """Has the history seal who read it."""
        from ledger.services.audit.read_sealer import ReadSealer

        return ReadSealer(self.opened(), self.clock)
