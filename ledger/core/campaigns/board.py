"""The board of campaigns: which of them somebody looks for, and in which order; pure, over counted lines."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ledger.core.campaigns.campaign import CampaignLine, CampaignSender

CLOSING = timedelta(hours=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Order(StrEnum):
    """What comes first on the board."""

    DEADLINE = "deadline"
    MESSAGES = "messages"
    PEOPLE = "people"
    NAME = "name"


_KEYS: dict[Order, Callable[[CampaignLine], tuple[float | str | datetime, ...]]] = {
    Order.DEADLINE: lambda line: (line.first_deadline or _NEVER, line.campaign or ""),
    Order.MESSAGES: lambda line: (-line.recallable, line.campaign or ""),
    Order.PEOPLE: lambda line: (-(line.people or 0), line.campaign or ""),
    Order.NAME: lambda line: ((line.campaign or "").casefold(), line.campaign or ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSearch:
    """Parts of names, whatever their case; what is set narrows together. `is_closing`: its first hour of the end."""

    name: str = ""
    robot: str = ""
    source: str = ""
    is_closing: bool = False
    order: Order = Order.DEADLINE

    @property
    def asks_for_senders(self) -> bool:
        """Say whether it takes more than the counts of campaigns to answer."""
        return bool(self.robot or self.source)

    def arrange(
        self, lines: Collection[CampaignLine], senders: Sequence[CampaignSender], now: datetime
    ) -> list[CampaignLine]:
        """Return the lines that are looked for, in order; `senders` says who sent what, when that is asked for."""
        found = [line for line in lines if self.name.casefold() in (line.campaign or "").casefold()]
        if self.is_closing:
            found = [line for line in found if line.first_deadline is not None and line.first_deadline - now < CLOSING]
        if self.asks_for_senders:
            theirs = {one.campaign for one in senders if self._is_of(one)}
            found = [line for line in found if line.campaign in theirs]
        return sorted(found, key=_KEYS[self.order])

    def _is_of(self, sender: CampaignSender) -> bool:
        in_robot = self.robot.casefold() in sender.robot_code.casefold()
        return in_robot and self.source.casefold() in (sender.source or "").casefold()


def is_open(line: CampaignLine) -> bool:
    """Say whether somebody may still have to do something about a campaign."""
    return line.first_deadline is not None or line.keyless > 0 or bool(line.unrecallable)
