"""The second person: what one person may not start alone waits until another one has agreed."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import format_time, parse_time
from ledger.core.approval import Approval, Decision, is_needed, valid_until
from ledger.core.limits import check_reason
from ledger.errors import ApprovalNeededError, ForbiddenError, LedgerError, WrongStateError
from ledger.settings import Settings
from ledger.store import approvals, history
from ledger.store.recalls import Recall


class Approvals:
    """Says whether a recall may start, inside the transactions of who starts it."""

    def __init__(self, settings: Settings) -> None:
        self._most, self._plan_valid = settings.approval_recipients, timedelta(seconds=settings.plan_valid_seconds)

    def ask(self, connection: Connection, recall: Recall, actor: str, now: datetime) -> ApprovalNeededError | None:
        """Return what has to happen first, having noted who wants to run it; None when it may start."""
        if not self._is_needed(connection, recall):
            return None
        approval = approvals.get(connection, recall.id)
        if approval is None:
            deadline = recall.plan.get("first_deadline")
            until = valid_until(recall.planned_at, self._plan_valid, parse_time(deadline) if deadline else None)
            approvals.request(connection, recall.id, actor, now, until)
            facts = {"recipients": recall.plan["recipients"], "messages": recall.plan["eligible"]}
            _note(connection, recall, "approval_requested", actor, now, {**facts, "valid_until": format_time(until)})
            approval = Approval(requested_by=actor, requested_at=now, valid_until=until)
        return ApprovalNeededError(_what_now(recall, approval))

    def why_not_running(self, connection: Connection, recall: Recall, now: datetime) -> LedgerError:
        """Return why a plan that nobody has started can neither go on nor be asked again, and what to do."""
        approval = approvals.get(connection, recall.id)
        if approval is not None and approval.is_open(now):
            return ApprovalNeededError(_what_now(recall, approval))
        return WrongStateError(f"recall {recall.id} is a plan that was never run: plan it again to run it")

    def agree(self, connection: Connection, recall: Recall, actor: str, now: datetime) -> str:
        """Note that a second person agrees; return who wanted to run it."""
        requested_by = self._asked_of_another(connection, recall, actor)
        approvals.decide(connection, recall.id, Decision.APPROVED, actor, now)
        _note(connection, recall, "approved", actor, now, {"requested_by": requested_by})
        return requested_by

    def refuse(self, connection: Connection, recall: Recall, actor: str, now: datetime, reason: str) -> None:
        """Note that a second person refuses, and why."""
        reason = check_reason("a refusal", reason)
        requested_by = self._asked_of_another(connection, recall, actor)
        approvals.decide(connection, recall.id, Decision.REFUSED, actor, now, reason)
        facts: dict[str, object] = {"requested_by": requested_by, "reason": reason, "by": actor}
        _note(connection, recall, "refused", actor, now, facts)

    def _is_needed(self, connection: Connection, recall: Recall) -> bool:
        if not is_needed(recipients=recall.plan["recipients"], messages=recall.plan["eligible"], most=self._most):
            return False
        # Who agreed to a sticky recall agreed to what arrives late for it.
        leader = approvals.get(connection, recall.follows) if recall.follows is not None else None
        return leader is None or leader.approved_by is None

    def _asked_of_another(self, connection: Connection, recall: Recall, actor: str) -> str:
        approval = approvals.get(connection, recall.id)
        if approval is None or not approval.is_waiting or approval.requested_by is None:
            raise WrongStateError(f"recall {recall.id} does not wait for a second person")
        if approval.requested_by == actor:
            raise ForbiddenError(f"{actor} asked for recall {recall.id}: it takes another person to answer")
        return approval.requested_by


def _what_now(recall: Recall, approval: Approval) -> str:
    # People read this: a second is exact enough.
    until = format_time(approval.valid_until.replace(microsecond=0)) if approval.valid_until else "its deadline"
    return (
        f"recall {recall.id} is larger than one person may start alone. {approval.requested_by} asked for it; now "
        f"another operator has to agree before {until}: `ledger approve {recall.id}`, or "
        f'`ledger refuse {recall.id} --reason "..."`'
    )


def _note(
    connection: Connection, recall: Recall, event: str, actor: str, now: datetime, facts: dict[str, object]
) -> None:
    history.append(connection, [history.Entry(at=now, event=event, actor=actor, recall_id=recall.id, detail=facts)])
