"""What tells people by itself."""

from typing import TYPE_CHECKING

from ledger.errors import NoticeError
from ledger.parts.part import part
from ledger.parts.reports import ReportParts

if TYPE_CHECKING:
    from ledger.services.notices.desk import NoticeDesk
    from ledger.services.notices.notifier import Notifier


class NoticeParts(ReportParts):
    """Notices, and what people ask of them."""

    @part
    def notifier(self) -> "Notifier":
        """Tells somebody."""
        from ledger.dingtalk.outgoing import Outgoing
        from ledger.services.notices.notifier import Notifier
        from ledger.services.notices.receivers import receivers_of

        post = Outgoing(self.settings.http_timeout_seconds, NoticeError).post
        receivers = receivers_of(self.settings, post, self.clock)
        depth = self.recorder.depth
        return Notifier(
            self.opened(),
            self.clock,
            self.settings,
            self.recall_reports,
            self.people,
            self.correction_reports,
            depth,
            receivers,
        )

    @part
    def notice_desk(self) -> "NoticeDesk":
        """Answers what people ask of notices."""
        from ledger.services.notices.desk import NoticeDesk

        return NoticeDesk(self.opened(), self.clock, self.settings, lambda: self.notifier)
