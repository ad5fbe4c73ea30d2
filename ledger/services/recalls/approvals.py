"""The second person: what one person may not start alone waits until another one has agreed."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import format_time, parse_time
from ledger.core.actors import People
from ledger.core.approval import Approval, CountedTogether, Decision, Reach, valid_until
from ledger.core.limits import check_reason
from ledger.errors import ApprovalNeededError, ForbiddenError, LedgerError, RetryTooLargeError, WrongStateError
from ledger.services.recalls.reach import Starting, reach_beyond
from ledger.settings import Settings
from ledger.store import approvals, history, tokens
from ledger.store.recalls import Recall


class Approvals:
    """Says whether a recall may start, inside the transactions of who starts it."""

    def __init__(self, settings: Settings) -> None:
        self._most, self._plan_valid = settings.approval_recipients, timedelta(seconds=settings.plan_valid_seconds)

    def reach(self, connection: Connection, starting: Starting, now: datetime) -> Reach | None:
        """Return what goes beyond what one person may do, if a recall starts now; None when nothing does."""
        return reach_beyond(connection, starting, _people(connection), self._most, now)

    def ask(self, connection: Connection, recall: Recall, actor: str, now: datetime) -> ApprovalNeededError | None:
        """Return what has to happen first, having noted who wants to run it; None when it may start."""
        reach = self.reach(connection, _starting(recall, recall.actor, actor), now)
        if reach is None:
            return None
        approval = approvals.get(connection, recall.id)
        if approval is None:
            deadline = recall.plan.get("first_deadline")
            until = valid_until(recall.planned_at, self._plan_valid, parse_time(deadline) if deadline else None)
            approvals.request(connection, recall.id, actor, now, until)
            facts = {"recipients": recall.plan["recipients"], "messages": recall.plan["eligible"]}
            facts |= {"beyond": reach.to_json(), "valid_until": format_time(until)}
            _note(connection, recall, "approval_requested", actor, now, facts)
            approval = Approval(requested_by=actor, requested_at=now, valid_until=until)
        return ApprovalNeededError(f"{_why(recall, reach)} {_what_now(recall, approval)}")

    def check_retry(self, connection: Connection, recall: Recall, actor: str, now: datetime) -> None:
        """Raise RetryTooLargeError when somebody may not let a recall ask again alone, after its items were reopened.

        To what a second person agreed, they agreed for good.
        """
        approval = approvals.get(connection, recall.id)
        if approval is not None and approval.approved_by is not None:
            return
        reach = self.reach(connection, _starting(recall, actor), now)
        if reach is not None:
            raise RetryTooLargeError(
                f"{_why(recall, reach)} Nothing was asked again: plan what is left anew (`ledger recall`), which asks "
                "for a second person"
            )

    def why_not_running(self, connection: Connection, recall: Recall, now: datetime) -> LedgerError:
        """Return why a plan that nobody has started can neither go on nor be asked again, and what to do."""
        approval = approvals.get(connection, recall.id)
        if approval is not None and approval.is_open(now):
            return ApprovalNeededError(f"recall {recall.id} waits for a second person. {_what_now(recall, approval)}")
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

    def _asked_of_another(self, connection: Connection, recall: Recall, actor: str) -> str:
        approval = approvals.get(connection, recall.id)
        if approval is None or not approval.is_waiting or approval.requested_by is None:
            raise WrongStateError(f"recall {recall.id} does not wait for a second person")
        if _people(connection).are_one(approval.requested_by, actor):
            raise ForbiddenError(
                f"{approval.requested_by} asked for recall {recall.id}, and {actor} is the same: it takes another "
                "person to answer"
            )
        return approval.requested_by


def _starting(recall: Recall, *names: str) -> Starting:
    size = {"people": recall.plan["recipients"], "messages": recall.plan["eligible"]}
    return Starting(recall_id=recall.id, **size, names=frozenset(names))


def _people(connection: Connection) -> People:
    return People.of_tokens(tokens.names_and_owners(connection))


def _why(recall: Recall, reach: Reach) -> str:
    size = f"at least {reach.people:,} people, {reach.messages:,} messages"
    match reach.counted:
        case CountedTogether.RECALL:
            return f"recall {recall.id} is larger than one person may start alone."
        case CountedTogether.ACTOR:
            return (
                f"recall {recall.id} and what the same person started alone in the last 24 hours are together larger "
                f"than one person may start alone ({size})."
            )
        case CountedTogether.CAMPAIGN:
            return (
                f"recall {recall.id} and what was recalled of the same campaign in the last 24 hours without a second "
                f"person are together larger than one person may start alone ({size})."
            )


def _what_now(recall: Recall, approval: Approval) -> str:
    # People read this: a second is exact enough.
    until = format_time(approval.valid_until.replace(microsecond=0)) if approval.valid_until else "its deadline"
    return (
        f"{approval.requested_by} asked for it; now another operator has to agree before {until}: "
        f'`ledger approve {recall.id}`, or `ledger refuse {recall.id} --reason "..."`'
    )


def _note(
    connection: Connection, recall: Recall, event: str, actor: str, now: datetime, facts: dict[str, object]
) -> None:
    history.append(connection, [history.Entry(at=now, event=event, actor=actor, recall_id=recall.id, detail=facts)])
