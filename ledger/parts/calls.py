"""What calls DingTalk, and the time by which it does."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ledger.clock import AlignedClock
from ledger.parts.foundation import Foundation
from ledger.parts.part import part

if TYPE_CHECKING:
    from ledger.dingtalk.caller import Caller
    from ledger.dingtalk.client import Client
    from ledger.dingtalk.tokens import DingTalkTokens
    from ledger.services.recalls.pacing.leases import LostCalls
    from ledger.services.recalls.pacing.pace_clock import PaceClock


class CallParts(Foundation):
    """The client, what holds its calls, and what paces them."""

    @part
    def pace_clock(self) -> "PaceClock":
        """The time by which calls leave."""
        from ledger.services.recalls.pacing.pace_clock import PaceClock
        from ledger.store.machine_clocks import server_time

        has_server = isinstance(self.clock, AlignedClock) and not self.opened().is_sqlite
        return PaceClock(self.clock, server_time if has_server else None)

    @part
    def held_calls(self) -> set[int]:
        """The calls whose answers this process waits for or has: while it lives, they are not lost."""
        return set()

    @part
    def lost_calls(self) -> "LostCalls":
        """Ends what was in flight of cancelled recalls and got lost."""
        from ledger.services.recalls.pacing.leases import LostCalls

        return LostCalls(self.opened(), self.clock, self.pace_clock, self.settings, self.held_calls)

    @part
    def caller(self) -> "Caller":
        """Makes one call."""
        from ledger.dingtalk.caller import Caller

        return Caller(self.client, self.dingtalk_tokens, self.settings)

    @part
    def threads(self) -> ThreadPoolExecutor:
        """Threads for calls in flight."""
        return ThreadPoolExecutor(self.settings.calls_in_flight, thread_name_prefix="ledger-call")

    @part
    def client(self) -> "Client":
        """The HTTP client for DingTalk."""
        from ledger.dingtalk.client import Client

        return Client(
            timeout_seconds=self.settings.http_timeout_seconds,
            max_connections=self.settings.calls_in_flight,
            transport=self.transport,
        )

    @part
    def dingtalk_tokens(self) -> "DingTalkTokens":
        """The access tokens of the apps."""
        from ledger.dingtalk.tokens import DingTalkTokens

        return DingTalkTokens(self.client, self.settings, self.clock)
