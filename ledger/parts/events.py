"""What hears of events."""

from typing import TYPE_CHECKING

from ledger.parts.calls import CallParts

if TYPE_CHECKING:
    from ledger.services.events.stream import EventStream


class EventParts(CallParts):
    """The connections by which DingTalk pushes."""

    def event_stream(self) -> "EventStream":
        """Return the connections by which DingTalk pushes events, not begun yet."""
        from ledger.dingtalk.stream import StreamDialer
        from ledger.services.events.stream import EventStream
        from ledger.services.recalls.pacing.leases import own_name

        return EventStream(
            self.opened(),
            StreamDialer(self.client, self.settings),
            self.recorder.keep_push,
            self.clock,
            apps=self.settings.app_names,
            monthly_events=self.settings.stream_monthly_events,
            owner=own_name(),
        )
