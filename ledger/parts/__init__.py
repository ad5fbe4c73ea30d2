"""Everything built once, and late: settings, clock and database first, then each service when it is first asked for.

Each room has its parts in a file of its own, and stands on the rooms whose parts it is made of. What a part is made of
is imported where it is built: who only records loads nothing of recalls, of the audit, or of the network.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ledger.errors import DatabaseError
from ledger.parts.access import AccessParts
from ledger.parts.audit import AuditParts
from ledger.parts.corrections import CorrectionParts
from ledger.parts.events import EventParts
from ledger.parts.notices import NoticeParts
from ledger.parts.persons import PersonParts
from ledger.parts.recording import RecordingParts

if TYPE_CHECKING:
    from ledger.core.check_up import Check
    from ledger.scheduler import Worker


class Parts(RecordingParts, CorrectionParts, AuditParts, NoticeParts, AccessParts, PersonParts, EventParts):
    """What a ledger is made of. Nothing is opened before the first use."""

    def close(self) -> None:
        """Stop what runs, in order, and close every connection; may be called twice."""
        built = self.__dict__
        if "runner" in built:
            self.runner.stop()
        if "sender" in built:
            self.sender.stop()
        self.recorder.close()
        if "known_stops" in built:
            self.known_stops.close()
        if "threads" in built:
            self.threads.shutdown(wait=False, cancel_futures=True)
        if "client" in built:
            self.client.close()
        self.database.close()

    def lacks(self) -> dict[str, str]:
        """Return what is missing to do the work, each with what to do; never raises for what it finds."""
        from ledger.services.upkeep import readiness

        return readiness.lacks(self.database, self.clock, self.settings)

    def examine(self) -> "Iterator[Check]":
        """Yield what the doctor finds, as it is found; never raises for what it finds."""
        from ledger.services.upkeep.dingtalk_probe import DingTalkProbe
        from ledger.services.upkeep.doctor import Doctor

        with suppress(DatabaseError):
            self.align_clock()
        whose = "this machine's" if self.database.is_sqlite else "the database server's"
        probe = DingTalkProbe(self.client, self.dingtalk_tokens, self.clock, self.settings, whose)
        yield from Doctor(self.database, probe, self.clock, self.settings, self.recorder.depth).examine()

    def worker(self) -> "Worker":
        """Return a worker, which resumes recalls, follows sticky ones, and purges, until it is stopped."""
        from ledger.scheduler import Worker
        from ledger.services.recalls.pacing.leases import own_name
        from ledger.services.upkeep.chores import Chores

        return Worker(
            Chores(self.opened(), self.clock, own_name(), partial(self.pace_clock.seen, may_write=True)),
            self.runner,
            self.caller,
            self.sticky,
            self.purger,
            self.people_counter,
            self.lost_calls,
            self.freezer,
            self.settings,
            self.schedules,
            self.expiry,
            self.align_clock,
            self.recorder.replay,
            self.read_sealer,
            self.retention,
            self.elsewhere,
            self.checkpointer if self._is_anchored() else None,
            self.notifier if self.settings.notice_places else None,
            self.event_stream() if self.settings.stream else None,
            sender=self.sender,
        )

    def _is_anchored(self) -> bool:
        """Say whether the settings want checkpoints: who only looks needs none of the libraries for it."""
        settings = self.settings
        places = (settings.audit_checkpoint_file, settings.audit_stream, settings.audit_webhook_url)
        return any((settings.audit_key_file, settings.audit_key_command, settings.audit_tsa_url, *places))
