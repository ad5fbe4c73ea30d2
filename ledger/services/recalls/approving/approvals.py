"""The second person: what one person may not start alone waits until another one has agreed.

Who has no time for that breaks the glass: it runs at once, and stays open until somebody else has reviewed it.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.clock import format_time, parse_time
from ledger.core.access.actors import Acting
from ledger.core.access.agents import is_agent
from ledger.core.limits import check_reason
from ledger.core.recalls.approval import Approval, Decision, Reach, valid_until
from ledger.errors import (
    ApprovalNeededError,
    ForbiddenError,
    LedgerError,
    RetryTooLargeError,
    WrongStateError,
)
from ledger.services.recalls.approving.approval_texts import what_now, why_beyond
from ledger.services.recalls.approving.reach import Starting, agents_reach_beyond, reach_beyond
from ledger.services.recalls.approving.rules import rules_of
from ledger.services.recalls.approving.second_person import (
    check_other,
    is_strict,
    known_people,
    most_alone,
    most_of_agents,
    unproven,
)
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.recalls import approvals, break_glass, schedules
from ledger.store.recalls.recalls import Recall

log = logging.getLogger(__name__)


class Approvals:
    """Says whether a recall may start, inside the transactions of who starts it."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._plan_valid = settings, timedelta(seconds=settings.plan_valid_seconds)

    def most(self, connection: Connection) -> int | None:
        """Return how much one person may reach alone: of settings and policy, the stricter counts."""
        return most_alone(connection, self._settings)

    def rules(self, connection: Connection, apps: Iterable[str]) -> Mapping[str, Any]:
        """Return the settings and policies that decide over a recall of some apps, for the history."""
        rules = rules_of(self._settings, apps, self.most(connection))
        return {**rules, "agent_most_people": most_of_agents(connection, self._settings)}

    def reach(self, connection: Connection, starting: Starting, now: datetime) -> Reach | None:
        """Return what goes beyond what one person may do, if a recall starts now; None when nothing does."""
        return self._reach(connection, starting, now, with_waiting=True)

    def _reach(self, connection: Connection, starting: Starting, now: datetime, *, with_waiting: bool) -> Reach | None:
        people = known_people(connection)
        beyond = reach_beyond(
            connection,
            starting,
            people,
            self.most(connection),
            now,
            is_strict=is_strict(connection),
            with_waiting=with_waiting,
        )
        return beyond or agents_reach_beyond(
            connection, starting, people, most_of_agents(connection, self._settings), now, with_waiting=with_waiting
        )

    def ask(
        self,
        connection: Connection,
        recall: Recall,
        acting: Acting,
        now: datetime,
        without: str | None = None,
        until: datetime | None = None,
    ) -> ApprovalNeededError | None:
        """Return what has to happen first, having noted who wants to run it; None when it may start.

        `without` is the reason for starting it without the second person that it needs, if somebody has one. `until` is
        the moment at which it is to start, if that is not now.
        """
        reach = self.reach(connection, _starting(recall, acting, recall.actor), now)
        if reach is None:
            return None
        if is_strict(connection) and not acting.is_proven:
            raise unproven(acting, "to ask for a second person")
        if without is not None and (is_agent(acting.name) or is_agent(recall.actor)):
            raise ForbiddenError(
                f"recall {recall.id} is an agent's, and nobody breaks the glass for one: whoever cannot wait plans it "
                "anew under their own name (`ledger recall`)"
            )
        if without is not None:
            self._break_glass(connection, recall, acting.name, now, reach, check_reason("breaking the glass", without))
            return None
        approval = approvals.get(connection, recall.id)
        if approval is None:
            deadline = recall.plan.get("first_deadline")
            if until is None:
                until = valid_until(recall.planned_at, self._plan_valid, parse_time(deadline) if deadline else None)
            approvals.request(connection, recall.id, acting.name, now, until)
            facts = {**_size(recall), "beyond": reach.to_json(), "valid_until": format_time(until)}
            _note(connection, recall, "approval_requested", acting.name, now, facts)
            approval = Approval(requested_by=acting.name, requested_at=now, valid_until=until)
        return ApprovalNeededError(f"{why_beyond(recall.id, reach)} {what_now(recall.id, approval)}")

    def lacking(
        self, connection: Connection, recall: Recall, acting: Acting, now: datetime
    ) -> ApprovalNeededError | None:
        """Return why a recall cannot start at its moment: nobody else has agreed to it; None when it can."""
        approval = approvals.get(connection, recall.id)
        if approval is not None and approval.approved_by is not None:
            return None
        # Of others that wait for theirs, those that were set before have counted this one already, or it has them.
        reach = self._reach(connection, _starting(recall, acting, recall.actor), now, with_waiting=False)
        if reach is None and approval is None:
            return None
        why = why_beyond(recall.id, reach) if reach else f"recall {recall.id} waited for a second person."
        return ApprovalNeededError(f"{why} Nobody agreed before its moment, so it did not run: plan it again")

    def check_retry(self, connection: Connection, recall: Recall, acting: Acting, now: datetime) -> None:
        """Raise RetryTooLargeError when somebody may not let a recall ask again alone, after its items were reopened.

        To what a second person agreed, they agreed for good; what was started without one is open already.
        """
        approval = approvals.get(connection, recall.id)
        if (approval is not None and approval.approved_by is not None) or break_glass.get(connection, recall.id):
            return
        reach = self.reach(connection, _starting(recall, acting), now)
        if reach is not None:
            raise RetryTooLargeError(
                f"{why_beyond(recall.id, reach)} Nothing was asked again: plan what is left anew (`ledger recall`), "
                "which asks for a second person"
            )

    def why_not_running(self, connection: Connection, recall: Recall, now: datetime) -> LedgerError:
        """Return why a plan that nobody has started can neither go on nor be asked again, and what to do."""
        approval, schedule = approvals.get(connection, recall.id), schedules.get(connection, recall.id)
        if schedule is not None and (approval is None or not approval.is_waiting):
            return WrongStateError(
                f"recall {recall.id} waits until {format_time(schedule.run_at)}, and runs then: `ledger cancel "
                f"{recall.id}` ends that"
            )
        if approval is not None and approval.is_open(now):
            return ApprovalNeededError(f"recall {recall.id} waits for a second person. {what_now(recall.id, approval)}")
        return WrongStateError(f"recall {recall.id} is a plan that was never run: plan it again to run it")

    def agree(self, connection: Connection, recall: Recall, acting: Acting, now: datetime) -> str:
        """Note that a second person agrees; return who wanted to run it."""
        requested_by = self._asked_of_another(connection, recall, acting)
        approvals.decide(connection, recall.id, Decision.APPROVED, acting.name, now)
        _note(connection, recall, "approved", acting.name, now, {"requested_by": requested_by})
        return requested_by

    def refuse(self, connection: Connection, recall: Recall, acting: Acting, now: datetime, reason: str) -> None:
        """Note that a second person refuses, and why."""
        reason = check_reason("a refusal", reason)
        requested_by = self._asked_of_another(connection, recall, acting)
        approvals.decide(connection, recall.id, Decision.REFUSED, acting.name, now, reason)
        facts: dict[str, object] = {"requested_by": requested_by, "reason": reason, "by": acting.name}
        _note(connection, recall, "refused", acting.name, now, facts)

    def review(self, connection: Connection, recall: Recall, acting: Acting, now: datetime, text: str) -> None:
        """Note what another person says of a recall that was started without them."""
        text = check_reason("a review", text)
        broken = break_glass.get(connection, recall.id)
        if broken is None:
            raise WrongStateError(f"recall {recall.id} was not started without a second person: there is no review")
        if broken.reviewed_by is not None:
            raise WrongStateError(f"{broken.reviewed_by} has reviewed recall {recall.id} already")
        check_other(connection, {broken.broken_by, recall.actor}, acting, f"started recall {recall.id}")
        break_glass.review(connection, recall.id, acting.name, now, text)
        _note(connection, recall, "reviewed", acting.name, now, {"reason": text, "broken_by": broken.broken_by})

    def _asked_of_another(self, connection: Connection, recall: Recall, acting: Acting) -> str:
        approval = approvals.get(connection, recall.id)
        if approval is None or not approval.is_waiting or approval.requested_by is None:
            raise WrongStateError(f"recall {recall.id} does not wait for a second person")
        check_other(connection, {approval.requested_by}, acting, f"asked for recall {recall.id}")
        return approval.requested_by

    def _break_glass(
        self, connection: Connection, recall: Recall, actor: str, now: datetime, reach: Reach, reason: str
    ) -> None:
        break_glass.note(connection, recall.id, actor, now, reason)
        facts = {**_size(recall), "reason": reason, "beyond": reach.to_json()}
        _note(connection, recall, "break_glass", actor, now, facts)
        log.warning(
            "recall %s: %s broke the glass, nobody else has agreed: %s",
            recall.id,
            actor,
            reason,
            extra={"facts": {"recall": recall.id, "actor": actor, "event": "break_glass"}},
        )


def _starting(recall: Recall, acting: Acting, *others: str) -> Starting:
    names = frozenset({acting.name, *others})
    people, messages = recall.plan["recipients"], recall.plan["eligible"]
    return Starting(recall_id=recall.id, people=people, messages=messages, names=names, is_proven=acting.is_proven)


def _size(recall: Recall) -> dict[str, object]:
    return {"recipients": recall.plan["recipients"], "messages": recall.plan["eligible"]}


def _note(
    connection: Connection, recall: Recall, event: str, actor: str, now: datetime, facts: dict[str, object]
) -> None:
    history.append(connection, [history.Entry(at=now, event=event, actor=actor, recall_id=recall.id, detail=facts)])
