"""What an answer changes: the call's record, its items, the pace, the recall's state, and the history of it all."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import OURSELVES
from ledger.core.recalls import pauses
from ledger.core.recalls.quota import month_of
from ledger.core.recalls.recall import Status
from ledger.core.recalls.reply import Reading, Verdict
from ledger.core.recalls.settle import Settlement, backoff, settle
from ledger.core.recalls.unsent import NOT_SENT
from ledger.errors import LedgerError
from ledger.services.recalls.pacing.leases import end_if_cancelled
from ledger.services.recalls.pacing.pace_changes import change_paces
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.running.call_result import CallResult, Ending
from ledger.services.recalls.running.splitter import follow_fate, split_call
from ledger.settings import DEFAULT_APP
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recalls import calls, endings, items, recalls, usage

log = logging.getLogger(__name__)


class Settler:
    """Writes down how calls ended."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pace_clock: PaceClock,
        random: Random,
        endpoint_setting: Callable[[str], str] = lambda _: pauses.ENDPOINT,
    ) -> None:
        """`endpoint_setting` names the setting that says where an app is asked."""
        self._database, self._clock, self._pace_clock, self._random = database, clock, pace_clock, random
        self._endpoint_setting = endpoint_setting

    @repeated
    def settle(self, endings: Sequence[tuple[calls.Call, Ending, datetime]]) -> None:
        """Settle calls, which ended in some way at some moment, in one transaction.

        A call that was given up for lost meanwhile changes nothing. What others wait for is locked in one order:
        paces, then recalls, then the history.
        """
        if not endings:
            return
        now = self._clock.now()
        over = sorted((CallResult.of(*one) for one in endings), key=lambda one: (one.call.recall_id, one.call.id))
        with self._database.write() as connection:
            ours = calls.lock_open(connection, [one.call.id for one in over])
            over = [one for one in over if one.call.id in ours]
            if not over:
                return
            calls.close_calls(connection, {one.call.id: one.made for one in over}, now)
            self._change_paces(connection, over)
            entries = self._apply(connection, over, now)
            history.append(connection, entries)
        for one in over:
            _tell_of_call(one)
        for entry in entries:
            if entry.event == "paused":
                message, facts = entry.detail["message"], {"recall": entry.recall_id}
                log.info("recall %s paused: %s", entry.recall_id, message, extra={"facts": facts})

    def _apply(self, connection: Connection, over: Sequence[CallResult], now: datetime) -> list[history.Entry]:
        recall_ids = sorted({one.call.recall_id for one in over})
        planned_by = {recall_id: recalls.get(connection, recall_id).actor for recall_id in recall_ids}
        answered = {one.call.id: self._settlements(one, now) for one in over if one.is_answered}
        calls.settle_items(connection, answered, now, {one.call.id: one.call.run_by for one in over})
        ended = endings.ended_in_calls(connection, answered)
        self._put_back(connection, [one for one in over if one.reading is None], now)
        entries: list[history.Entry] = []
        for one in over:
            actor = one.call.run_by or planned_by[one.call.recall_id]
            if one.reading is not None:
                entries.append(one.entry(ended.get(one.call.id, ()), actor, now))
                entries += self._release(connection, one.call, one.reading, now)
                if one.call.id in ended:
                    left = follow_fate(connection, one, now, actor)
                    entries += history.ended_entries(one.call.recall_id, actor, "unanswered", left, now)
            elif one.error is not None:
                entries += self._pause(connection, one.call, one.error, now)
        for recall_id in recall_ids:
            entries += end_if_cancelled(connection, recall_id, now)
        return entries

    def _settlements(self, over: CallResult, now: datetime) -> list[Settlement]:
        assert over.reading is not None  # noqa: S101  (it was answered)
        keys = over.reading.keys
        return [
            settle(item, keys[item.process_query_key], now=now, jitter=self._random.random())
            for item in over.call.items
        ]

    def _release(
        self, connection: Connection, call: calls.Call, reading: Reading, now: datetime
    ) -> list[history.Entry]:
        """Let the items of a call wait again unless its answer speaks of each key."""
        ids = [item.item_id for item in call.items]
        if reading.verdict is Verdict.ANSWERED:
            return []
        if reading.verdict is Verdict.SPLIT:
            split_call(connection, call, reading, now)
            if not reading.is_documented and _refuses_all(connection, call.recall_id, reading.code or ""):
                why = pauses.every_key_refused(f"{reading.code}: {reading.reason}")
                return self._pause(connection, call, why, now)
        elif reading.verdict is Verdict.TROUBLE:
            wait = backoff(max(item.attempts for item in call.items), self._random.random())
            doubt = reading.may_have_worked
            calls.release_items(connection, call.id, ids, not_before=now + wait, in_doubt=doubt)
            if reading.code == NOT_SENT:
                usage.count_usage(connection, call.route.app, month_of(now), -1)
        else:
            calls.release_items(connection, call.id, ids, in_doubt=reading.may_have_worked, unasked=True)
            if reading.is_free:
                usage.count_usage(connection, call.route.app, month_of(now), -1)
            elif reading.error is not None:
                return self._pause(connection, call, reading.error, now)
        return []

    def _pause(
        self, connection: Connection, call: calls.Call, error: LedgerError, now: datetime
    ) -> list[history.Entry]:
        """Stop a running recall until somebody has fixed what the error says; the first error wins."""
        recall = recalls.get(connection, call.recall_id, lock=True)
        if recall.status is not Status.RUNNING:
            return []
        app = call.route.app
        message = pauses.facts_of(error, app if app != DEFAULT_APP else None, self._endpoint_setting(app))
        recalls.change(connection, recall.id, status=Status.PAUSED, error=message)
        return [history.Entry(at=now, event="paused", actor=OURSELVES, recall_id=recall.id, detail=message)]

    def _put_back(self, connection: Connection, unsent: Sequence[CallResult], now: datetime) -> None:
        """Undo the intent of calls that never left."""
        if not unsent:
            return
        calls.put_back(connection, [one.call for one in unsent])
        for app, count in sorted(Counter(one.call.route.app for one in unsent).items()):
            usage.count_usage(connection, app, month_of(now), -count)

    def _change_paces(self, connection: Connection, over: Sequence[CallResult]) -> None:
        readings: dict[tuple[str, str], list[Reading]] = defaultdict(list)
        for one in over:
            if one.reading is not None:
                readings[one.call.route.app, one.call.route.chat].append(one.reading)
        change_paces(connection, self._pace_clock, readings)


def _tell_of_call(over: CallResult) -> None:
    """Say how a call ended, so that one can go from here to the history, and from there to DingTalk's own log."""
    call, made = over.call, over.made
    facts = {
        "recall": call.recall_id,
        "call": call.id,
        "app": call.route.app,
        "keys": len(call.items),
        "verdict": str(made.verdict),
        "status": made.http_status,
        "code": made.code,
        "dingtalk_request_id": made.request_id,
        "duration_ms": made.duration_ms,
    }
    log.info("call %s of recall %s: %s", call.id, call.recall_id, made.verdict, extra={"facts": facts})


def _refuses_all(connection: Connection, recall_id: int, code: str) -> bool:
    """Say whether nothing but this refusal has come since somebody let the recall run."""
    since = recalls.get(connection, recall_id).activated_at
    return since is not None and items.all_refused_with(connection, recall_id, code, since)
