"""What the ledger holds of one campaign."""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine(Shown):
    """One campaign (None: messages without a tag); `recipients` are summed over its messages.

    `recallable` messages are inside their window and not recalled yet; the deadlines are theirs.
    Until `sticky_until`, what is still recorded under the campaign is recalled as it arrives.
    """

    campaign: str | None
    messages: int
    recipients: int
    recallable: int
    recalled: int
    first_deadline: datetime | None
    last_deadline: datetime | None
    sticky_until: datetime | None = None
