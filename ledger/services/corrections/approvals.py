"""The second person of corrections: as many people as one person may not reach alone take another one who agrees.

What one person corrects alone within a day counts together, and so does what is corrected of one recall.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from ledger.clock import format_time
from ledger.core.access.actors import Acting
from ledger.core.limits import check_reason
from ledger.core.recalls.approval import COUNTED_FOR, Approval, CountedTogether, Decision, Reach, is_needed
from ledger.errors import ApprovalNeededError, WrongStateError
from ledger.services.corrections.entries import entry
from ledger.services.recalls.approving.second_person import check_other, is_strict, known_people, most_alone, unproven
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.corrections import Correction


class CorrectionApprovals:
    """Says whether a correction may start, inside the transactions of who starts it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def reach(
        self, connection: Connection, recall_id: int, people: Collection[str], acting: Acting, now: datetime
    ) -> Reach | None:
        """Return what goes beyond what one person may do, if a correction for some people starts now; None: nothing."""
        most = most_alone(connection, self._settings)
        if most is None or not people:
            return None
        if is_needed(recipients=len(people), messages=0, most=most):
            return Reach(counted=CountedTogether.RECALL, people=len(people), messages=0)
        alone = corrections.started_alone(connection, now - COUNTED_FOR)
        # When the limit is for everybody, whom no token names may be anybody: it counts with what everybody starts.
        is_for_all = is_strict(connection)
        is_anybody = is_for_all and not acting.is_proven
        by_anybody = corrections.started_by_a_mere_name(connection, alone) if is_for_all else set()
        one_person = known_people(connection)
        for counted, others in (
            (
                CountedTogether.ACTOR,
                [
                    one
                    for one in alone
                    if is_anybody or one.id in by_anybody or one_person.are_one(one.runs_for, acting.name)
                ],
            ),
            (CountedTogether.CAMPAIGN, [one for one in alone if one.recall_id == recall_id]),
        ):
            reached = set(people).union(*(correction_sends.people_of(connection, one.id) for one in others))
            if is_needed(recipients=len(reached), messages=0, most=most):
                return Reach(counted=counted, people=len(reached), messages=0)
        return None

    def ask(
        self, connection: Connection, correction: Correction, people: Collection[str], acting: Acting, now: datetime
    ) -> ApprovalNeededError | None:
        """Return what has to happen first, having noted who wants to send it; None when it may start."""
        reach = self.reach(connection, correction.recall_id, people, acting, now)
        if reach is None:
            return None
        if is_strict(connection) and not acting.is_proven:
            raise unproven(acting, "to ask for a second person")
        if correction.requested_by is None:
            until = now + COUNTED_FOR
            asked = {"requested_by": acting.name, "requested_at": now, "valid_until": until}
            corrections.change(connection, correction.id, **asked)
            facts = {"people": len(people), "beyond": reach.to_json(), "valid_until": format_time(until)}
            history.append(connection, [entry(correction, "approval_requested", acting.name, now, **facts)])
            correction = corrections.get(connection, correction.id)
        return ApprovalNeededError(f"{_why(correction, reach)} {what_now(correction)}")

    def agree(self, connection: Connection, correction: Correction, acting: Acting, now: datetime) -> str:
        """Note that a second person agrees; return who wanted to send it."""
        requested_by = self._asked_of_another(connection, correction, acting)
        _decide(connection, correction, Decision.APPROVED, acting, now)
        says = entry(correction, "approved", acting.name, now, requested_by=requested_by)
        history.append(connection, [says])
        return requested_by

    def refuse(
        self, connection: Connection, correction: Correction, acting: Acting, now: datetime, reason: str
    ) -> None:
        """Note that a second person refuses, and why."""
        reason = check_reason("a refusal", reason)
        requested_by = self._asked_of_another(connection, correction, acting)
        _decide(connection, correction, Decision.REFUSED, acting, now, reason)
        facts = {"requested_by": requested_by, "reason": reason, "by": acting.name}
        history.append(connection, [entry(correction, "refused", acting.name, now, **facts)])

    def _asked_of_another(self, connection: Connection, correction: Correction, acting: Acting) -> str:
        approval = correction.approval
        if approval is None or not approval.is_waiting or approval.requested_by is None:
            raise WrongStateError(f"the correction of recall {correction.recall_id} does not wait for a second person")
        did = f"asked for the correction of recall {correction.recall_id}"
        check_other(connection, {approval.requested_by, correction.actor}, acting, did)
        return approval.requested_by


def what_now(correction: Correction) -> str:
    """Say who asked, and who has to answer by when."""
    approval, number = correction.approval or Approval(), correction.recall_id
    until = format_time(approval.valid_until.replace(microsecond=0)) if approval.valid_until else "its end"
    return (
        f"{approval.requested_by} asked for it; now another operator has to agree before {until}: "
        f'`ledger approve {number}`, or `ledger refuse {number} --reason "..."`'
    )


def _why(correction: Correction, reach: Reach) -> str:
    what = f"a correction of recall {correction.recall_id}"
    match reach.counted:
        case CountedTogether.RECALL:
            return f"{what} to {reach.people:,} people goes to more than one person may reach alone."
        case CountedTogether.ACTOR | CountedTogether.AGENTS:  # agents send no corrections
            return (
                f"{what} and what the same person corrected alone in the last 24 hours go together to more people than "
                f"one person may reach alone ({reach.people:,})."
            )
        case CountedTogether.CAMPAIGN:
            return (
                f"{what} and what was corrected of it in the last 24 hours without a second person go together to more "
                f"people than one person may reach alone ({reach.people:,})."
            )


def _decide(
    connection: Connection,
    correction: Correction,
    verdict: Decision,
    acting: Acting,
    now: datetime,
    refusal: str | None = None,
) -> None:
    values = {"verdict": verdict.value, "decided_by": acting.name, "decided_at": now, "refusal": refusal}
    corrections.change(connection, correction.id, **values)
