"""Which messages somebody means: any of these, and together they narrow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.clock import format_time, parse_time
from ledger.core.message import Campaign, MessageKey, RobotCode, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A message is selected when it fits every part that is set; of its send time, `until` itself is no more part.

    `within` are the robots that whoever selects may touch, none for all; it narrows, and alone selects nothing.
    """

    campaign: Campaign | None = None
    users: frozenset[UserId] = frozenset()
    keys: frozenset[MessageKey] = frozenset()
    robot: RobotCode | None = None
    since: datetime | None = None
    until: datetime | None = None
    within: frozenset[RobotCode] = frozenset()

    @property
    def is_empty(self) -> bool:
        """True when nothing is set, which never means everything."""
        return not (self.campaign or self.users or self.keys or self.robot or self.since or self.until)

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Selection":
        """Return the selection that `to_json` gave these parts of."""
        return cls(
            campaign=parts.get("campaign"),
            users=frozenset(parts.get("users", ())),
            keys=frozenset(parts.get("keys", ())),
            robot=parts.get("robot"),
            since=parse_time(parts["since"]) if "since" in parts else None,
            until=parse_time(parts["until"]) if "until" in parts else None,
            within=frozenset(parts.get("within", ())),
        )

    def to_json(self) -> Mapping[str, Any]:
        """Return the parts that are set, as JSON values; long lists of keys are kept whole."""
        parts = {
            "campaign": self.campaign,
            "users": sorted(self.users) or None,
            "keys": sorted(self.keys) or None,
            "robot": self.robot,
            "since": self.since and format_time(self.since),
            "until": self.until and format_time(self.until),
            "within": sorted(self.within) or None,
        }
        return {name: value for name, value in parts.items() if value is not None}
