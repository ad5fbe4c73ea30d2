"""Claiming sends: one look at the corrections that run decides which calls leave next, and writes that down before."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import WORKER
from ledger.core.corrections.correction import SEND_API, SendOutcome
from ledger.core.recalls.pace import blocked
from ledger.core.recalls.quota import month_of
from ledger.core.recording.message import AppName
from ledger.services.corrections.entries import entry
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.running.api_slots import LOOKAHEAD, turns
from ledger.services.recalls.running.call_loop import BETWEEN_LOOKS, LONGEST_NAP, Claim
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.correction_sends import LOST, WENT_AWAY, LeavingSend, LostSend
from ledger.store.corrections.corrections import Correction
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recalls import paces, usage

log = logging.getLogger(__name__)


class SendClaimer:
    """Opens sends for the apps it was made for, on behalf of one owner, in slots of the pace that all share."""

    def __init__(self, database: Database, clock: Clock, pace_clock: PaceClock, settings: Settings, owner: str) -> None:
        self._database, self._clock, self._settings, self._owner = database, clock, settings, owner
        self._pace_clock, self._lease = pace_clock, leases.lease_of(settings)
        self._grace = leases.LeaseGrace()
        # How long the last claim took.
        self._lead = timedelta(0)

    @repeated
    def claim(
        self, apps: frozenset[AppName], free: int, dead_owners: Sequence[str], held: Collection[int]
    ) -> Claim[LeavingSend]:
        """Open up to `free` sends of running corrections that use the given apps only; end what was lost, and what is
        done."""
        begun = self._clock.monotonic()
        with self._database.write() as connection:
            self._pace_clock.look(connection, may_write=True)
            now = self._clock.now()
            may_judge = self._grace.may_judge(begun)
            by = leases.time_of_leases(self._pace_clock, self._lease) if may_judge else None
            lost = correction_sends.give_up_lost(connection, now, dead_owners, leases_by=by, held=held)
            entries = _tell_of_lost(connection, lost, now)
            all_running = {one.id: one for one in corrections.running(connection)}
            used = {number: correction_sends.apps_of(connection, number) for number in all_running}
            running = {number: one for number, one in all_running.items() if used[number] <= apps}
            claimed, next_slots = self._open(connection, running, used, free)
            ended = [one for one in running.values() if not used[one.id] and _finish(connection, one, now)]
            entries += [entry(one, "finished", WORKER, now) for one in ended]
            history.append(connection, entries)
        self._grace.reached(self._clock.monotonic())
        for one in ended:
            log.info("the correction of recall %s finished", one.recall_id, extra={"facts": {"recall": one.recall_id}})
        if claimed:
            self._lead = min(timedelta(seconds=self._clock.monotonic() - begun), LONGEST_NAP)
        early = (LOOKAHEAD + self._lead).total_seconds()
        again = min([begun + LONGEST_NAP.total_seconds(), *(slot - early for slot in next_slots)])
        return Claim(
            calls=claimed,
            look_again_at=max(again, begun + BETWEEN_LOOKS.total_seconds()),
            going_on=frozenset(running) - {one.id for one in ended},
        )

    def _open(
        self,
        connection: Connection,
        running: Mapping[int, Correction],
        used: Mapping[int, set[AppName]],
        free: int,
    ) -> tuple[list[LeavingSend], list[float]]:
        claimed: list[LeavingSend] = []
        next_slots: list[float] = []
        # Every process locks paces in the same order.
        for app in sorted({app for number in running for app in used[number]}):
            mine = [one for number, one in running.items() if app in used[number]]
            next_slot = self._open_of_app(connection, app, mine, free - len(claimed), claimed)
            next_slots += [next_slot] if next_slot is not None else []
        return claimed, next_slots

    def _open_of_app(
        self,
        connection: Connection,
        app: AppName,
        mine: Sequence[Correction],
        free: int,
        claimed: list[LeavingSend],
    ) -> float | None:
        """Open the sends of one app whose slots come soon; return the next slot, None when nothing waits for it."""
        by_number = {one.id: one for one in mine}
        before = paces.lock_pace(connection, app, SEND_API)
        # Others may have held the pace for a while.
        now, to_wall, held_until = self._clock.now(), self._pace_clock.to_wall, self._pace_clock.held_until
        if held_until is not None:
            before = blocked(before, held_until)
        slots = turns(before, self._pace_clock.now() + self._lead, self._settings.rate_of(app), max(free, 0))
        # One more than there are slots, to know whether anything waits for the next one.
        waiting = correction_sends.waiting(connection, list(by_number), app, now, len(slots))
        for (turn, _), send in zip(slots[:-1], waiting, strict=False):
            correction = by_number[send.correction_id]
            lease_until = turn + self._lease
            correction_sends.claim(
                connection,
                send.id,
                owner=self._owner,
                attempts=send.attempts + 1,
                slot_at=turn + to_wall,
                lease_until=lease_until,
            )
            claimed.append(
                LeavingSend(
                    id=send.id,
                    correction_id=send.correction_id,
                    app=app,
                    robot_code=send.robot_code,
                    people=send.people,
                    attempts=send.attempts + 1,
                    never_left=send.never_left,
                    slot_at=turn + to_wall,
                    leave_at=self._pace_clock.monotonic_of(turn),
                    campaign=correction.campaign,
                    msg_key=correction.msg_key,
                    msg_param=correction.msg_param,
                    run_by=correction.runs_for,
                )
            )
        taken = min(len(waiting), len(slots) - 1)
        if taken:
            paces.save_pace(connection, app, SEND_API, slots[taken - 1][1])
            usage.count_usage(connection, app, month_of(now), taken)
        return self._pace_clock.monotonic_of(slots[taken][0]) if len(waiting) > taken else None


def _tell_of_lost(connection: Connection, lost: Sequence[LostSend], now: datetime) -> list[history.Entry]:
    """Say which sends nobody will say anything of; as a send whose answer never came, each has left a trace."""
    entries = []
    for one in lost:
        correction = corrections.get(connection, one.correction_id)
        facts = {
            "send": one.id,
            "outcome": SendOutcome.UNKNOWN,
            "code": LOST,
            "reason": WENT_AWAY,
            "attempts": one.attempts,
            "by": correction.runs_for,
        }
        entries.append(entry(correction, "lost", WORKER, now, **facts))
        usage.count_usage(connection, one.app, month_of(now), -1)
    return entries


def _finish(connection: Connection, correction: Correction, now: datetime) -> bool:
    corrections.get(connection, correction.id, lock=True)
    return not correction_sends.has_unended(connection, correction.id) and corrections.finish(
        connection, correction.id, now
    )
