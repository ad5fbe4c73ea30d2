"""What has to do with what was sent, beside the recorder itself."""

from typing import TYPE_CHECKING

from ledger.parts.foundation import Foundation
from ledger.parts.part import part

if TYPE_CHECKING:
    from ledger.services.recording.sending_stops import KnownStops, SendingStops
    from ledger.services.recording.tagger import Tagger


class RecordingParts(Foundation):
    """Tags, and stops of what is still being sent."""

    @part
    def tagger(self) -> "Tagger":
        """Tags what was recorded without a campaign, or with a wrong one."""
        from ledger.services.recording.tagger import Tagger

        return Tagger(self.opened(), self.clock, self.recorder.catch_up)

    @part
    def sending_stops(self) -> "SendingStops":
        """Stops what is still being sent, and lets it go on."""
        from ledger.services.recording.sending_stops import SendingStops

        return SendingStops(self.opened(), self.clock)

    @part
    def known_stops(self) -> "KnownStops":
        """What is stopped, for who asks before every send."""
        from ledger.services.recording.sending_stops import KnownStops

        return KnownStops(self.database)
