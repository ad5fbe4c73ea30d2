"""Bounds: which messages somebody may touch, by the robots that sent them and by the beginnings of their campaigns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.core.recording.message import RobotCode

# What stands after the beginning of a name; without it, the whole name is meant.
ANY_END = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Messages of these robots, in these campaigns; of either, none means all. What has no campaign is in none.

    A campaign that ends with a star stands for all whose names begin with what is before it.
    """

    robots: frozenset[RobotCode] = frozenset()
    campaigns: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Say whether anything is out of bounds."""
        return bool(self.robots or self.campaigns)

    def hold(self, robot: str | None, campaign: str | None) -> bool:
        """Say whether a message is within bounds."""
        return self.hold_robot(robot) and self.hold_campaign(campaign)

    def hold_robot(self, robot: str | None) -> bool:
        """Say whether messages of a robot may be within bounds; None stands for messages of any robot."""
        return not self.robots or robot in self.robots

    def hold_campaign(self, campaign: str | None) -> bool:
        """Say whether messages of a campaign may be within bounds; None stands for those without one."""
        return not self.campaigns or (campaign is not None and any(_begins(campaign, one) for one in self.campaigns))

    def hold_all_of(self, parts: Mapping[str, Any]) -> bool:
        """Say whether all that a selection can hold is within bounds, by its JSON parts.

        Campaigns that it names are enough, and so are bounds that it was made in, for it holds what fits both.
        """
        robots = [parts["robot"]] if "robot" in parts else parts.get("within", ())
        named = [parts["campaign"]] if "campaign" in parts else parts.get("campaigns", ())
        are_robots_ours = not self.robots or (bool(robots) and self.robots.issuperset(robots))
        # A beginning of names is held by one that is as long, or shorter.
        are_ours = [some and all(map(self.hold_campaign, some)) for some in (named, parts.get("within_campaigns"))]
        return are_robots_ours and (not self.campaigns or any(are_ours))


EVERYTHING = Bounds()


def split(campaigns: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the whole names, and the beginnings of names, that bounds consist of."""
    beginnings = [one.removesuffix(ANY_END) for one in campaigns if one.endswith(ANY_END)]
    return sorted(one for one in campaigns if not one.endswith(ANY_END)), sorted(beginnings)


def _begins(campaign: str, pattern: str) -> bool:
    return campaign.startswith(pattern.removesuffix(ANY_END)) if pattern.endswith(ANY_END) else campaign == pattern
