"""Whether a plan may start: it is single-use, ends after a while, and must still hold."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import CLOCKS_DIFFER, Clock, format_time
from ledger.core.recalls.plan_messages import PlanMessages
from ledger.core.recalls.plan_seal import is_of
from ledger.core.recalls.recall import Status
from ledger.core.recalls.schedule import Schedule
from ledger.errors import NothingEligibleError, PlanChangedError, PlanEndedError, PlanTokenError, WrongStateError
from ledger.settings import Settings
from ledger.store.recalls import approvals, endings, plan_messages, recalls, schedules
from ledger.store.recalls.candidates import taken_since
from ledger.store.recalls.plan_messages_now import CampaignNow, count_by_campaign


class PlanCheck:
    """Looks at plans inside the transactions of who starts them."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock, self._plan_valid = clock, timedelta(seconds=settings.plan_valid_seconds)

    def ready(self, connection: Connection, recall_id: int, *, may_wait: bool = False) -> recalls.Recall:
        """Return a plan that may start, locked; or, if it may, one that waits for its moment.

        Raise WrongStateError when it was run or ended, NothingEligibleError when it is empty, PlanEndedError when it is
        too old, and PlanChangedError when its messages have changed hands.
        """
        recall = recalls.get(connection, recall_id, lock=True)
        if recall.status is not Status.PLANNED:
            raise WrongStateError(
                f"recall {recall_id} is {recall.status}: a plan runs once. `ledger resume {recall_id}` goes on with "
                f"one that stopped, `ledger retry {recall_id}` asks again"
            )
        if not recall.plan.get("eligible"):
            raise NothingEligibleError(f"recall {recall_id} has no message that can be recalled")
        schedule = schedules.get(connection, recall_id)
        if schedule is not None:
            self._check_moment(recall_id, schedule, may_wait=may_wait)
            return recall
        self._check_age(connection, recall)
        # A recall that started after the plan may well say that it started before.
        moment = recall.planned_at - CLOCKS_DIFFER
        if recalls.was_active_since(connection, moment, recall_id):
            changed = self._changed(connection, recall_id, moment)
            if changed:
                raise PlanChangedError(
                    f"{changed} messages of recall {recall_id} have been recalled, or are being recalled, by another "
                    "recall since it was planned. Nothing was done: plan it again to see what is left"
                )
            endings.share_doubts(connection, recall_id)
        return recall

    def check_shown(self, connection: Connection, recall_id: int, token: str, actor: str | None) -> None:
        """Raise PlanTokenError for a wrong token, PlanChangedError when its messages are not what was shown.

        Whether it was run before, or is too old, is seen when it starts.
        """
        recall = recalls.get(connection, recall_id, lock=True)
        is_right = is_of(token, recall.plan, actor=actor or recall.actor, selection=recall.selection)
        if not is_right or (actor or recall.actor) != recall.actor:
            raise PlanTokenError(
                f"this is not the token of plan {recall_id}, or it was shown to somebody else: plan it again"
            )
        plan = plan_messages.unfrozen(connection, recall_id)
        if recall.status is Status.PLANNED and plan is not None:
            self._check_unmoved(connection, recall, plan.messages)

    def _check_unmoved(self, connection: Connection, recall: recalls.Recall, seen: PlanMessages) -> None:
        """Compare what is there now with what was seen: no message more, none of another campaign, nobody else."""
        then, now = seen.by_campaign(), count_by_campaign(connection, seen.taken, self._clock.now())
        moved = [one.campaign for one in now if not _holds(one, then.get(one.campaign, (0, 0)))]
        within = sum(one.within for one in now)
        if moved or within < recall.plan["eligible"] - recall.plan["will_expire_first"]:
            raise PlanChangedError(
                f"the messages of plan {recall.id} are not what was shown: some were tagged anew, reached further "
                "people or have expired meanwhile. Nothing was done: plan it again to see what is left"
            )

    def _check_moment(self, recall_id: int, schedule: Schedule, *, may_wait: bool) -> None:
        """Let nobody but its moment start what has one; what others take meanwhile is left out then."""
        at = format_time(schedule.run_at)
        if not may_wait:
            raise WrongStateError(
                f"recall {recall_id} waits until {at}, and runs then: `ledger cancel {recall_id}` ends that; to recall "
                "now, plan it again"
            )
        if self._clock.now() >= schedule.run_at:
            raise PlanEndedError(f"recall {recall_id} waited for a second person until {at}: plan it again")

    def _changed(self, connection: Connection, recall_id: int, moment: datetime) -> int:
        """Return how many messages other recalls have taken since; doubts are seen when it is frozen."""
        # First what others have yet to copy, then what they have copied: another process may move it on in between.
        held = set(plan_messages.held_ids(connection, other_than=recall_id))
        plan = plan_messages.unfrozen(connection, recall_id)
        if plan is None:
            # An earlier release copied it when it was made.
            return recalls.count_overlaps(connection, recall_id, held)
        taken = taken_since(connection, recall_id, moment, plan.taken)
        return len(taken | held.intersection(plan.taken))

    def _check_age(self, connection: Connection, recall: recalls.Recall) -> None:
        now, asked = self._clock.now(), approvals.get(connection, recall.id)
        if asked is not None and asked.valid_until is not None:
            if now >= asked.valid_until:
                raise PlanEndedError(f"recall {recall.id} waited for a second person for too long: plan it again")
        elif now - recall.planned_at > self._plan_valid:
            minutes = self._plan_valid.total_seconds() / 60
            raise PlanEndedError(
                f"the plan of recall {recall.id} is more than {minutes:.0f} minutes old: plan it again"
            )


def _holds(now: CampaignNow, then: tuple[int, int]) -> bool:
    """Say whether there are no more messages and deliveries than were seen; those whose time is over may be gone."""
    return now.messages <= then[0] and now.deliveries <= then[1]
