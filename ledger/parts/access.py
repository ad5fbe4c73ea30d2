"""Who may use the service, what may come twice, and what decides for everybody."""

from typing import TYPE_CHECKING

from ledger.parts.foundation import Foundation
from ledger.parts.part import part

if TYPE_CHECKING:
    from ledger.services.access.idempotency import IdempotentRequests
    from ledger.services.access.known_tokens import KnownTokens
    from ledger.services.access.policies import Policies
    from ledger.services.access.tokens import ServiceTokens


class AccessParts(Foundation):
    """Tokens, policies, and requests that may come twice."""

    @part
    def idempotency(self) -> "IdempotentRequests":
        """Requests that may come twice."""
        from ledger.services.access.idempotency import IdempotentRequests

        return IdempotentRequests(self.opened(), self.clock)

    @part
    def service_tokens(self) -> "ServiceTokens":
        """Who may use the service."""
        from ledger.services.access.tokens import ServiceTokens

        return ServiceTokens(self.opened(), self.clock, self.settings, self.known_tokens)

    @part
    def known_tokens(self) -> "KnownTokens":
        """Who may use the service while the database cannot be asked."""
        from ledger.services.access.known_tokens import KnownTokens

        return KnownTokens(self.settings.spool_folder, self.clock)

    @part
    def policies(self) -> "Policies":
        """What decides for everybody."""
        from ledger.services.access.policies import Policies

        return Policies(self.opened(), self.clock)
