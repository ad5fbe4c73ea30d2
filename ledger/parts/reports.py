"""What answers questions."""

from contextlib import suppress
from typing import TYPE_CHECKING

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.errors import DatabaseError
from ledger.parts.calls import CallParts
from ledger.parts.part import part

if TYPE_CHECKING:
    from ledger.core.campaigns.campaign import CampaignLine, CampaignSender
    from ledger.services.corrections.correction_reports import CorrectionReports
    from ledger.services.events.elsewhere import ElsewhereFinder
    from ledger.services.recalls.current_recalls import CurrentRecalls
    from ledger.services.reports.campaign_counts import CampaignCounts
    from ledger.services.reports.campaigns import CampaignReports
    from ledger.services.reports.courses import Courses
    from ledger.services.reports.figures import Meter
    from ledger.services.reports.near_names import NameFinder
    from ledger.services.reports.pages import Pages
    from ledger.services.reports.people import PeopleReports
    from ledger.services.reports.recall_lines import RecallLines
    from ledger.services.reports.recalls import RecallReports
    from ledger.services.reports.upkeep_state import UpkeepReports
    from ledger.services.upkeep.people_counter import PeopleCounter


class ReportParts(CallParts):
    """Lists, pages, figures and names."""

    def campaigns(self, bounds: Bounds = EVERYTHING) -> "list[CampaignLine]":
        """Return what can still be recalled, within bounds, once the spool is caught up with."""
        self.recorder.catch_up()
        # A database that can only be read is no reason not to answer.
        with suppress(DatabaseError):
            self.elsewhere.run_once()
        self.people_counter.count_some(bounds.robots)
        lines = self.campaign_reports.campaigns(bounds)
        return self.campaign_reports.with_excerpts(lines, bounds) if self.settings.keep_excerpt else lines

    @part
    def elsewhere(self) -> "ElsewhereFinder":
        """Finds out what other hands have recalled."""
        from ledger.services.events.elsewhere import ElsewhereFinder

        return ElsewhereFinder(self.opened(), self.clock)

    @part
    def campaign_reports(self) -> "CampaignReports":
        """Answers questions about what was sent."""
        from ledger.services.reports.campaigns import CampaignReports

        return CampaignReports(self.opened(), self.clock)

    @part
    def recall_reports(self) -> "RecallReports":
        """Answers questions about recalls."""
        from ledger.services.reports.recalls import RecallReports

        return RecallReports(self.opened(), self.clock, self.pace_clock.wall_of)

    @part
    def correction_reports(self) -> "CorrectionReports":
        """Says where corrections stand."""
        from ledger.services.corrections.correction_reports import CorrectionReports

        return CorrectionReports(self.opened(), self.clock)

    @part
    def current_recalls(self) -> "CurrentRecalls":
        """Says where recalls stand, for who looks without a worker."""
        from ledger.services.recalls.current_recalls import CurrentRecalls

        return CurrentRecalls(self.lost_calls, self.recall_reports)

    @part
    def figures(self) -> "Meter":
        """Figures of the whole ledger; its counters begin when it is first asked for."""
        from ledger.services.reports.figures import Meter

        return Meter(self.opened(), self.clock, self.settings, self.pace_clock.seen)

    @part
    def campaign_counts(self) -> "CampaignCounts[CampaignLine]":
        """What can still be recalled, for those who look again and again."""
        from ledger.services.reports.campaign_counts import CampaignCounts

        return CampaignCounts(self.campaigns, self.clock)

    @part
    def campaign_senders(self) -> "CampaignCounts[CampaignSender]":
        """Who sent what can still be recalled, for those who look for a robot or a source."""
        from ledger.services.reports.campaign_counts import CampaignCounts

        return CampaignCounts(self.campaign_reports.senders, self.clock)

    @part
    def people_counter(self) -> "PeopleCounter":
        """Counts whom campaigns reached."""
        from ledger.services.upkeep.people_counter import PeopleCounter

        return PeopleCounter(self.opened(), self.clock)

    @part
    def pages(self) -> "Pages":
        """What there is, a page at a time."""
        from ledger.services.reports.pages import Pages

        return Pages(self.opened(), self.clock, self.recall_reports)

    @part
    def people(self) -> "PeopleReports":
        """Answers in people."""
        from ledger.services.reports.people import PeopleReports

        return PeopleReports(self.opened())

    @part
    def names(self) -> "NameFinder":
        """Finds near names."""
        from ledger.services.reports.near_names import NameFinder

        return NameFinder(self.opened(), self.recorder.catch_up)

    @part
    def upkeep_reports(self) -> "UpkeepReports":
        """Who works at the ledger, and how far its history is signed."""
        from ledger.services.recalls.pacing.leases import surely_gone
        from ledger.services.reports.upkeep_state import UpkeepReports

        return UpkeepReports(self.opened(), self.clock, surely_gone)

    @part
    def recall_lines(self) -> "RecallLines":
        """Recalls as lines of a list."""
        from ledger.services.reports.recall_lines import RecallLines

        return RecallLines(self.opened(), self.pages)

    @part
    def courses(self) -> "Courses":
        from ledger.services.reports.courses import Courses

        return Courses(self.opened(), self.clock, self.settings, self.pace_clock.seen)
