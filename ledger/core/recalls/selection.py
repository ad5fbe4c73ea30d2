"""Which messages somebody means: any of these, and together they narrow."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.clock import format_time, parse_time
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.limits import KEY_MAX_CHARACTERS, NAME_MAX_CHARACTERS, check_text
from ledger.core.period import period
from ledger.core.recording.message import Campaign, MessageKey, RobotCode, UserId
from ledger.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A message is selected when it fits every part that is set; of its send time, `until` itself is no more part.

    Of several campaigns it fits one; `untagged` are messages without any. `within` are the robots that whoever selects
    may touch, `within_campaigns` the (beginnings of) campaigns, none for all; they narrow, and alone select nothing.
    `expires_until` are those that shall vanish by themselves by then. What other hands have taken back is not taken
    unless `include_elsewhere`, which selects nothing by itself.
    """

    campaigns: frozenset[Campaign] = frozenset()
    untagged: bool = False
    source: str | None = None
    users: frozenset[UserId] = frozenset()
    keys: frozenset[MessageKey] = frozenset()
    robot: RobotCode | None = None
    since: datetime | None = None
    until: datetime | None = None
    within: frozenset[RobotCode] = frozenset()
    within_campaigns: frozenset[str] = frozenset()
    expires_until: datetime | None = None
    include_elsewhere: bool = False

    @property
    def bounds(self) -> Bounds:
        """Which messages whoever selects may touch."""
        return Bounds(robots=self.within, campaigns=self.within_campaigns)

    @property
    def is_empty(self) -> bool:
        """True when nothing is set, which never means everything."""
        parts = (self.campaigns, self.untagged, self.source, self.users, self.keys, self.robot)
        return not any((*parts, self.since, self.until, self.expires_until))

    @property
    def campaign(self) -> Campaign | None:
        """The campaign, when it is one."""
        return next(iter(self.campaigns)) if len(self.campaigns) == 1 else None

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Selection":
        """Return the selection that `to_json` gave these parts of."""
        return cls(
            campaigns=campaigns_of(parts),
            untagged=parts.get("untagged", False),
            source=parts.get("source"),
            users=frozenset(parts.get("users", ())),
            keys=frozenset(parts.get("keys", ())),
            robot=parts.get("robot"),
            since=parse_time(parts["since"]) if "since" in parts else None,
            until=parse_time(parts["until"]) if "until" in parts else None,
            within=frozenset(parts.get("within", ())),
            within_campaigns=frozenset(parts.get("within_campaigns", ())),
            expires_until=parse_time(parts["expires_until"]) if "expires_until" in parts else None,
            include_elsewhere=parts.get("include_elsewhere", False),
        )

    def to_json(self) -> Mapping[str, Any]:
        """Return the parts that are set, as JSON values; long lists of keys are kept whole."""
        parts = {
            "campaign": self.campaign,
            "campaigns": sorted(self.campaigns) if len(self.campaigns) > 1 else None,
            "untagged": self.untagged or None,
            "source": self.source,
            "users": sorted(self.users) or None,
            "keys": sorted(self.keys) or None,
            "robot": self.robot,
            "since": self.since and format_time(self.since),
            "until": self.until and format_time(self.until),
            "expires_until": self.expires_until and format_time(self.expires_until),
            "include_elsewhere": self.include_elsewhere or None,
            "within": sorted(self.within) or None,
            "within_campaigns": sorted(self.within_campaigns) or None,
        }
        return {name: value for name, value in parts.items() if value is not None}


def campaigns_of(parts: Mapping[str, Any]) -> frozenset[Campaign]:
    """Return the campaigns that a selection names, by its JSON parts."""
    return frozenset([parts["campaign"]] if "campaign" in parts else parts.get("campaigns", ()))


def robots_of(parts: Mapping[str, Any]) -> frozenset[RobotCode]:
    """Return the robots whose messages a selection can hold, by its JSON parts; none when it may be any."""
    return frozenset({parts["robot"]} if "robot" in parts else parts.get("within", ()))


def select(
    *,
    campaign: str | Collection[str] | None = None,
    untagged: bool = False,
    source: str | None = None,
    users: Collection[str] | None = None,
    keys: Collection[str] | None = None,
    robot: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    include_elsewhere: bool = False,
    within: Bounds = EVERYTHING,
) -> Selection:
    """Return the selection of the messages that fit every given part; naive times and parts that fit none are refused.

    None leaves a part out. An empty text or list is a mistake that would otherwise widen the selection without a word.
    """
    if untagged and campaign:
        raise InputError("untagged and campaign exclude each other: a message has a campaign, or none")
    named = (("campaign", campaign), ("source", source), ("robot", robot), ("users", users), ("keys", keys))
    for name, part in named:
        if part is not None and not part:
            raise InputError(f"{name} is empty: leave it out, or name what is meant")
        if name in ("users", "keys") and isinstance(part, str):
            raise InputError(f"{name} is one text: give a list, as in [{part!r}]")
        most = KEY_MAX_CHARACTERS if name == "keys" else NAME_MAX_CHARACTERS
        for text in [part] if isinstance(part, str) else part or ():
            if not text:
                raise InputError(f"{name} is empty: leave it out, or name what is meant")
            check_text(name, text, most)
    sent = period(since, until)
    return Selection(
        campaigns=frozenset(Campaign(one) for one in ([campaign] if isinstance(campaign, str) else campaign or ())),
        untagged=untagged,
        source=source,
        users=frozenset(UserId(user) for user in users or ()),
        keys=frozenset(MessageKey(key) for key in keys or ()),
        robot=RobotCode(robot) if robot else None,
        since=sent.since,
        until=sent.until,
        include_elsewhere=include_elsewhere,
        within=within.robots,
        within_campaigns=within.campaigns,
    )
