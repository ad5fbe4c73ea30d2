"""What makes the life of a recall."""

from typing import TYPE_CHECKING

from ledger.parts.part import part
from ledger.parts.reports import ReportParts

if TYPE_CHECKING:
    from ledger.services.recalls.asking.inquiries import Inquirer
    from ledger.services.recalls.asking.read_status import DoubtSettler
    from ledger.services.recalls.asking.readers import ReadAsker
    from ledger.services.recalls.asking.spot_checks import SpotChecker
    from ledger.services.recalls.expiry import Expiry
    from ledger.services.recalls.lifecycle import Lifecycle
    from ledger.services.recalls.planning.also_waiting import WaitingBeside
    from ledger.services.recalls.planning.freezer import Freezer
    from ledger.services.recalls.planning.planner import Planner
    from ledger.services.recalls.planning.preflight import Preflight
    from ledger.services.recalls.running.runner import Runner
    from ledger.services.recalls.schedules import Schedules
    from ledger.services.recalls.sticky import StickyRecalls
    from ledger.services.upkeep.purger import Purger


class RecallParts(ReportParts):
    """From a plan to its last outcome, and what may be deleted then."""

    @part
    def planner(self) -> "Planner":
        """Makes plans."""
        from ledger.services.recalls.planning.planner import Planner

        def catch_up() -> None:
            self.recorder.catch_up()
            self.elsewhere.run_once()

        return Planner(self.opened(), self.clock, self.pace_clock, self.settings, catch_up, self.preflight)

    @part
    def preflight(self) -> "Preflight":
        """Says what would stop a plan."""
        from ledger.services.recalls.planning.preflight import Preflight

        return Preflight(self.opened(), self.clock, self.settings)

    @part
    def waiting_beside(self) -> "WaitingBeside":
        """Says what else waits to recall the same messages."""
        from ledger.services.recalls.planning.also_waiting import WaitingBeside

        return WaitingBeside(self.opened(), self.clock)

    @part
    def freezer(self) -> "Freezer":
        """Copies what a plan saw once it is run."""
        from ledger.services.recalls.planning.freezer import Freezer

        return Freezer(self.opened(), self.clock)

    @part
    def lifecycle(self) -> "Lifecycle":
        """Moves recalls from state to state."""
        from ledger.services.recalls.lifecycle import Lifecycle

        return Lifecycle(
            self.opened(),
            self.clock,
            self.pace_clock,
            self.settings,
            self.caller,
            self.runner,
            self.recall_reports,
            self.held_calls,
            self.freezer,
        )

    @part
    def runner(self) -> "Runner":
        """Makes the calls of recalls."""
        from ledger.services.recalls.running.runner import Runner

        return Runner(
            self.opened(),
            self.caller,
            self.clock,
            self.pace_clock,
            self.settings,
            self.executor or self.threads,
            self.held_calls,
            self.outage,
            self.freezer,
        )

    @part
    def sticky(self) -> "StickyRecalls":
        """Follows sticky recalls."""
        from ledger.services.recalls.sticky import StickyRecalls

        return StickyRecalls(self.opened(), self.clock, self.planner, self.lifecycle, self.recall_reports)

    @part
    def schedules(self) -> "Schedules":
        """Starts recalls at the moments that were set for them."""
        from ledger.services.recalls.schedules import Schedules

        lifecycle, freezer = self.lifecycle, self.freezer
        return Schedules(self.opened(), self.clock, self.settings, lifecycle, freezer, self.recall_reports)

    @part
    def expiry(self) -> "Expiry":
        """Recalls what shall vanish by itself."""
        from ledger.services.recalls.expiry import Expiry

        return Expiry(self.opened(), self.clock, self.settings, self.planner, self.lifecycle, self.freezer)

    @part
    def inquirer(self) -> "Inquirer":
        """Asks about single messages."""
        from ledger.services.recalls.asking.inquiries import Inquirer

        executor = self.executor or self.threads
        return Inquirer(self.opened(), self.caller, self.clock, self.pace_clock, self.settings, executor)

    @part
    def read_status(self) -> "DoubtSettler":
        """Settles doubts by the read status."""
        from ledger.services.recalls.asking.read_status import DoubtSettler

        return DoubtSettler(self.opened(), self.clock, self.inquirer, self.recall_reports)

    @part
    def spot_checker(self) -> "SpotChecker":
        """Asks whether what is recalled is gone."""
        from ledger.services.recalls.asking.spot_checks import SpotChecker

        return SpotChecker(self.opened(), self.clock, self.inquirer)

    @part
    def read_asker(self) -> "ReadAsker":
        """Asks who has read it."""
        from ledger.services.recalls.asking.readers import ReadAsker

        return ReadAsker(self.opened(), self.clock, self.settings, self.inquirer)

    @part
    def purger(self) -> "Purger":
        """Deletes what is past its window."""
        from ledger.services.upkeep.purger import Purger

        return Purger(self.opened(), self.clock, self.settings, self.freezer.finish)
