"""Where corrections stand, and who of a recall gets none; it only reads."""

from collections.abc import Mapping

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.bounds import Bounds
from ledger.core.corrections.correction import (
    CorrectionPlan,
    CorrectionResult,
    SendOutcome,
    SendRefusal,
    WhyNot,
    read_correction_plan,
)
from ledger.core.recalls.plan_seal import without_digest
from ledger.services.corrections import gathering
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.corrections import Correction
from ledger.store.database import Database
from ledger.store.recalls import recalls


class CorrectionReports:
    """Answers questions about corrections."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def result(self, correction_id: int) -> CorrectionResult:
        """Return where a correction stands; raise UnknownCorrectionError."""
        with self._database.read() as connection:
            return result_of(connection, corrections.get(connection, correction_id))

    def of_recall(self, recall_id: int) -> list[CorrectionResult]:
        """Return the corrections of a recall that were started, or wait for a second person; the newest first.

        Raise UnknownRecallError.
        """
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            found = corrections.of_recall(connection, recall_id)
            return [result_of(connection, one) for one in found if one.started_at or one.requested_by]

    def plan(self, correction_id: int) -> CorrectionPlan:
        """Return what a correction was planned to do; raise UnknownCorrectionError."""
        with self._database.read() as connection:
            found = corrections.get(connection, correction_id)
        return read_correction_plan(without_digest(found.plan), found.id, found.text)

    def reason_and_recall(self, correction_id: int) -> tuple[str, int]:
        """Return why a correction is to be sent, and which recall it corrects; raise UnknownCorrectionError."""
        with self._database.read() as connection:
            found = corrections.get(connection, correction_id)
        return found.reason, found.recall_id

    def left_out(self, recall_id: int) -> Mapping[str, WhyNot]:
        """Return who of a recall would get no correction now, each with why; raise UnknownRecallError."""
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return gathering.gather(connection, recall_id)[0].left_out

    def nobody_left(self, recall_id: int) -> Mapping[str, int] | None:
        """Return why nobody of a recall would get a correction now, in people; None while somebody would.

        Raise UnknownRecallError.
        """
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            addressed = gathering.gather(connection, recall_id)[0]
        return None if addressed.people else addressed.counts()

    def open_of(self, recall_id: int) -> Correction | None:
        """Return the correction of a recall that is under way, or waits for a second person."""
        with self._database.read() as connection:
            return gathering.open_of(connection, recall_id, self._clock.now())

    def needing_somebody(self, bounds: Bounds) -> list[Correction]:
        """Return the corrections that are paused, or wait for a second person, of recalls within bounds."""
        with self._database.read() as connection:
            found = corrections.needing_somebody(connection, self._clock.now())
            return [one for one in found if bounds.hold_all_of(recalls.get(connection, one.recall_id).selection)]

    def unfinished(self) -> list[Correction]:
        """Return the corrections that were started and have not ended, the oldest first."""
        with self._database.read() as connection:
            return corrections.unfinished(connection)


def result_of(connection: Connection, correction: Correction) -> CorrectionResult:
    """Return where a correction stands; of a plan, nobody has been written down yet."""
    plan = correction.plan
    counts = correction_sends.counts(connection, correction.id)
    missed = sum(counts.missed.values())
    is_started = correction.started_at is not None
    pending = counts.people.get(None, 0) if is_started or counts.people else plan["people"]
    if not is_started and correction.finished_at is not None:
        pending = 0
    return CorrectionResult(
        correction_id=correction.id,
        recall_id=correction.recall_id,
        status=correction.status,
        people=plan["people"],
        calls=counts.calls,
        sent=counts.people.get(SendOutcome.SENT, 0) - missed,
        not_reached=missed,
        not_reached_by_reason=counts.missed,
        unknown=counts.people.get(SendOutcome.UNKNOWN, 0),
        refused=counts.people.get(SendOutcome.REFUSED, 0),
        refusals=_refusals(counts.refusals),
        cancelled=counts.people.get(SendOutcome.CANCELLED, 0)
        if is_started
        else plan["people"] * (correction.finished_at is not None),
        pending=pending,
        in_flight=counts.in_flight,
        skipped=plan["skipped"],
        skipped_by_reason=plan["skipped_by_reason"],
        campaign=correction.campaign,
        msg_key=correction.msg_key,
        msg_param=correction.msg_param,
        reason=correction.reason,
        actor=correction.runs_for,
        error=correction.error,
        approval=correction.approval,
        planned_at=correction.planned_at,
        started_at=correction.started_at,
        finished_at=correction.finished_at,
    )


def _refusals(counted: Mapping[tuple[str, str], int]) -> tuple[SendRefusal, ...]:
    most_first = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return tuple(SendRefusal(code=code, reason=reason, people=people) for (code, reason), people in most_first)
