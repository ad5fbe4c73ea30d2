"""Whom campaigns reached, each person once: counted exactly, kept, and counted anew when messages of theirs changed.

Nothing short of looking at every recipient gives that number, and an estimate would stand beside the exact one of a
plan. So what was counted is kept with how much had changed until then. Whoever asks waits for what is counted quickly;
larger campaigns are counted by workers, and until then the last number stands there with its time.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import accumulate

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.errors import DatabaseError
from ledger.store.campaigns.campaign_people import (
    CountedPeople,
    add_up_counts,
    count_people_by_campaign,
    keep_people,
    known_people,
)
from ledger.store.campaigns.campaigns import CountedCampaign, count_campaigns
from ledger.store.database import Database

# So many recipients are looked at while somebody waits (measured: a second for a million), and so many again each time
# when they had been counted before.
NEW_AT_ONCE, CHANGED_AT_ONCE = 1_000_000, 100_000
# A campaign that is still being sent is counted again and again, which takes a fifth of the time at most.
WAIT_A_RECIPIENT = timedelta(microseconds=5)


class PeopleCounter:
    """Keeps the number of people of each campaign."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def count_some(self, robots: Collection[str] = ()) -> None:
        """Count what takes but a moment, of messages of some robots or all; smaller campaigns first."""
        with self._database.read() as connection:
            counted, known = self._known(connection, robots)
            new = [one for one in counted if one.line.campaign not in known]
            changed = [one for one in counted if one.line.campaign in known]
            some = [*_smallest(new, NEW_AT_ONCE), *_smallest(changed, CHANGED_AT_ONCE)]
            people = self._count(connection, some, robots)
        if people:
            # A database that can only be read, or is locked for long, is no reason not to answer.
            with suppress(DatabaseError), self._database.write() as connection:
                keep_people(connection, robots, people)

    def run_once(self) -> None:
        """Count every campaign that changed and was not counted just now, and add up what was counted by minute."""
        with self._database.write() as connection:
            add_up_counts(connection)
        now = self._clock.now()
        with self._database.read() as connection:
            counted, known = self._known(connection, ())
        for one in counted:
            before = known.get(one.line.campaign)
            if before is None or before.counted_at + one.line.recipients * WAIT_A_RECIPIENT <= now:
                self._count_one(one.line.campaign)

    def _count_one(self, campaign: str | None) -> None:
        with self._database.read() as connection:
            counted = [one for one in count_campaigns(connection, self._clock.now()) if one.line.campaign == campaign]
            people = self._count(connection, counted, ())
        if people:
            with self._database.write() as connection:
                keep_people(connection, (), people)

    def _known(
        self, connection: Connection, robots: Collection[str]
    ) -> tuple[Sequence[CountedCampaign], dict[str | None, CountedPeople]]:
        """Return the campaigns whose people are not known, or changed since, and what was known of them."""
        known = known_people(connection, robots)
        changes = {campaign: one.changes for campaign, one in known.items()}
        counted = count_campaigns(connection, self._clock.now(), robots)
        return [one for one in counted if changes.get(one.line.campaign) != one.changes], known

    def _count(
        self, connection: Connection, counted: Sequence[CountedCampaign], robots: Collection[str]
    ) -> dict[str | None, CountedPeople]:
        """Count what is there in one state of the database with how much had changed."""
        if not counted:
            return {}
        now = self._clock.now()
        people = count_people_by_campaign(connection, [one.line.campaign for one in counted], robots)
        return {
            one.line.campaign: CountedPeople(people=people[one.line.campaign], changes=one.changes, counted_at=now)
            for one in counted
        }


def _smallest(counted: Sequence[CountedCampaign], most: int) -> Iterator[CountedCampaign]:
    ordered = sorted(counted, key=lambda one: one.line.recipients)
    sums = accumulate(one.line.recipients for one in ordered)
    return (one for one, so_far in zip(ordered, sums, strict=True) if so_far <= most)
