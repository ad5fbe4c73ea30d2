"""Reports of campaigns: what can still be recalled, of whom, and what will never be. They only read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ledger.clock import Clock
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.core.campaigns.campaign import CampaignLine, CampaignSender, UnrecallableSends, no_messages
from ledger.core.deadline import WINDOW
from ledger.core.recalls.recall import Status
from ledger.core.recalls.selection import campaigns_of, robots_of
from ledger.core.recording.message import Keyless
from ledger.store.campaigns import sending_stops
from ledger.store.campaigns.campaign_people import CountedPeople, known_people
from ledger.store.campaigns.campaigns import CountedCampaign, count_campaigns, recallable_by_robot
from ledger.store.campaigns.senders import campaign_senders
from ledger.store.database import Database
from ledger.store.recalls import recalls
from ledger.store.recording import excerpts, expiring, keyless


class CampaignReports:
    """Answers questions about what was sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def with_excerpts(self, lines: Sequence[CampaignLine], bounds: Bounds = EVERYTHING) -> list[CampaignLine]:
        """Return campaigns with what the newest of their messages says."""
        with self._database.read() as connection:
            said = excerpts.newest_of(connection, [line.campaign for line in lines if line.campaign], bounds)
        return [replace(line, excerpt=said.get(line.campaign or "")) for line in lines]

    def campaigns(self, bounds: Bounds = EVERYTHING) -> list[CampaignLine]:
        """Return a line for each campaign within bounds that the ledger holds messages of.

        The soonest deadline comes first.
        """
        now, within = self._clock.now(), bounds.robots
        with self._database.read() as connection:
            counted, people = count_campaigns(connection, now, within), known_people(connection, within)
            stopped = {stop.campaign: stop.stopped_by for stop in sending_stops.listed(connection)}
            vanishing = expiring.by_campaign(connection, within)
            without_key = keyless.count_by_campaign(connection, now - WINDOW, within)
            until: dict[str | None, datetime | None] = {
                campaign: recall.sticky_until
                for recall in recalls.sticky(connection, now)
                for campaign in campaigns_of(recall.selection)
                if recall.status not in (Status.PLANNED, Status.CANCELLED) and _may_hold(recall, within)
            }
        lines = [_with_people(one, people.get(one.line.campaign)) for one in counted]
        if not bounds.robots:
            names: set[str | None] = {one.campaign for one in lines} | set(without_key)
            lines += [no_messages(campaign) for campaign in stopped if campaign not in names]
        known = {line.campaign for line in lines}
        lines += [no_messages(campaign) for campaign in without_key if campaign not in known]
        return [
            replace(
                line,
                sticky_until=until.get(line.campaign) if line.campaign else None,
                sending_stopped_by=stopped.get(line.campaign) if line.campaign else None,
                keyless=without_key.get(line.campaign, {}).get(Keyless.NO_KEY, 0),
                unrecallable=_unrecallable(without_key.get(line.campaign, {})),
                expiring=vanishing[line.campaign].messages if line.campaign in vanishing else 0,
                expires_next=vanishing[line.campaign].next_at if line.campaign in vanishing else None,
            )
            for line in lines
            if bounds.hold_campaign(line.campaign)
        ]

    def recallable_by_robot(self, campaign: str, bounds: Bounds = EVERYTHING) -> dict[str, int]:
        """Return how many messages of a campaign each robot within bounds sent that can be recalled, to the minute."""
        with self._database.read() as connection:
            counted = recallable_by_robot(connection, campaign, self._clock.now())
        return {robot: count for robot, count in counted.items() if bounds.hold_robot(robot)}

    def senders(self, bounds: Bounds = EVERYTHING) -> list[CampaignSender]:
        """Return who sent what can still be recalled, within the robots of somebody's bounds."""
        with self._database.read() as connection:
            return campaign_senders(connection, self._clock.now(), bounds.robots)


def _with_people(counted: CountedCampaign, known: CountedPeople | None) -> CampaignLine:
    if known is None:
        return counted.line
    is_of_now = known.changes == counted.changes
    return replace(counted.line, people=known.people, people_counted_at=None if is_of_now else known.counted_at)


def _may_hold(recall: recalls.Recall, robots: Collection[str]) -> bool:
    """Say whether a recall can hold messages of some robots, or of any when none are given."""
    held = robots_of(recall.selection)
    return not robots or not held or not held.isdisjoint(robots)


def _unrecallable(counts: Mapping[Keyless, int]) -> tuple[UnrecallableSends, ...]:
    """Return the sends that never get a key, a line a kind."""
    kinds = sorted(kind for kind in counts if kind is not Keyless.NO_KEY)
    return tuple(UnrecallableSends(kind=kind, sends=counts[kind], reason=kind.reason) for kind in kinds)
