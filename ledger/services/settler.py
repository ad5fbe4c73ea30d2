"""What an answer changes: the call's record, its items, the pace, the recall's state, and the history of it all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core import pace as pacing
from ledger.core.quota import month_of
from ledger.core.recall import Status
from ledger.core.reply import Answer, NoAnswer, Reading, Verdict, read
from ledger.core.settle import backoff, settle, split
from ledger.errors import LedgerError, PausedError
from ledger.store import calls, history, items, paces, recalls, usage
from ledger.store.database import Database

# Refused before it counted, or never sent: these calls cost nothing of the month's quota.
_FREE_VERDICTS = (Verdict.THROTTLED, Verdict.BANNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A call that never left: too late for its slot, or something has to be mended first."""

    why: str
    error: LedgerError | None = None


Ending = Answer | NoAnswer | Unsent


class Settler:
    """Writes down how calls ended."""

    def __init__(self, database: Database, clock: Clock, random: Random) -> None:
        self._database, self._clock, self._random = database, clock, random

    def settle(self, endings: Sequence[tuple[calls.Call, Ending]]) -> None:
        """Settle calls in one transaction; a call that was given up for lost meanwhile changes nothing."""
        if not endings:
            return
        now = self._clock.now()
        with self._database.write() as connection:
            entries = [entry for call, ending in endings for entry in self._settle_one(connection, call, ending, now)]
            history.append(connection, entries)

    def _settle_one(
        self, connection: Connection, call: calls.Call, ending: Ending, now: datetime
    ) -> list[history.Entry]:
        recall = recalls.get(connection, call.recall_id)
        keys = [item.process_query_key for item in call.items]
        reading = None if isinstance(ending, Unsent) else read(ending, keys)
        made = _made(ending, reading, call, now)
        if not calls.close_call(connection, call.id, made, now):
            return []
        if isinstance(ending, Unsent) or reading is None:
            entries = self._put_back(connection, call, ending, recall.actor, now)
        else:
            changes = self._apply(connection, call, reading, recall.actor, now)
            entries = [_called(connection, call, made, recall.actor, now), *changes]
        return entries + _end_if_cancelled(connection, call.recall_id, now)

    def _apply(
        self, connection: Connection, call: calls.Call, reading: Reading, actor: str, now: datetime
    ) -> list[history.Entry]:
        ids = [item.item_id for item in call.items]
        if reading.verdict is Verdict.ANSWERED:
            settlements = [
                settle(item, reading.keys[item.process_query_key], now=now, jitter=self._random.random())
                for item in call.items
            ]
            calls.settle_items(connection, call.id, settlements, now)
            self._change_pace(connection, call, lambda pace: pacing.recovered(pace, 1))
        elif reading.verdict is Verdict.SPLIT:
            self._split(connection, call, reading)
            if not reading.is_documented and items.all_refused_with(connection, call.recall_id, reading.code or ""):
                return _pause(connection, call, _baffled(reading), actor, now)
        elif reading.verdict is Verdict.TROUBLE:
            wait = backoff(max(item.attempts for item in call.items), self._random.random())
            doubt = reading.may_have_worked
            calls.release_items(connection, call.id, ids, not_before=now + wait, in_doubt=doubt)
            self._change_pace(connection, call, lambda pace: pacing.throttled(pace, now, 0))
        else:
            calls.release_items(connection, call.id, ids, in_doubt=reading.may_have_worked, unasked=True)
            if reading.verdict in _FREE_VERDICTS:
                usage.count_usage(connection, call.route.app, month_of(now), -1)
            if reading.verdict is Verdict.THROTTLED:
                wait_seconds = reading.wait_seconds
                self._change_pace(connection, call, lambda pace: pacing.throttled(pace, now, wait_seconds))
            elif reading.verdict is Verdict.BANNED:
                paces.block_all(connection, now + timedelta(seconds=reading.wait_seconds))
            elif reading.error is not None:
                return _pause(connection, call, reading.error, actor, now)
        return []

    def _split(self, connection: Connection, call: calls.Call, reading: Reading) -> None:
        lane = recalls.get(connection, call.recall_id, lock=True).next_lane
        parts = split(call.items, reading.suspects)
        for number, part in enumerate(parts):
            ids = [item.item_id for item in part]
            calls.release_items(connection, call.id, ids, lane=lane + number)
        recalls.change(connection, call.recall_id, next_lane=lane + len(parts))

    def _put_back(
        self, connection: Connection, call: calls.Call, ending: Ending, actor: str, now: datetime
    ) -> list[history.Entry]:
        """Undo the intent of a call that never left."""
        calls.release_items(connection, call.id, [item.item_id for item in call.items], unasked=True)
        usage.count_usage(connection, call.route.app, month_of(now), -1)
        if isinstance(ending, Unsent) and ending.error is not None:
            return _pause(connection, call, ending.error, actor, now)
        return []

    def _change_pace(
        self, connection: Connection, call: calls.Call, change: Callable[[pacing.Pace], pacing.Pace]
    ) -> None:
        app, api = call.route.app, call.route.chat
        before = paces.lock_pace(connection, app, api)
        after = change(before)
        if after != before:
            paces.save_pace(connection, app, api, after)


def _called(connection: Connection, call: calls.Call, made: calls.Made, actor: str, now: datetime) -> history.Entry:
    facts: dict[str, Any] = {
        "call": call.id,
        "verdict": made.verdict,
        "status": made.http_status,
        "request_id": made.request_id,
        "keys": len(call.items),
        "items": [one.to_fact() for one in items.ended_in_call(connection, call.id)],
    }
    return history.Entry(at=now, event="call", actor=actor, recall_id=call.recall_id, detail=facts)


def _end_if_cancelled(connection: Connection, recall_id: int, now: datetime) -> list[history.Entry]:
    """End what waits again although its recall was cancelled while it was in flight.

    The lock is taken after the items were let go, so that a cancellation comes either before, and is seen here, or
    after, and sees them.
    """
    recall = recalls.get(connection, recall_id, lock=True)
    if recall.status is not Status.CANCELLED:
        return []
    left = items.cancel(connection, recall_id, now)
    return history.ended_entries(recall_id, recall.actor, "cancelled", left, now)


def _pause(
    connection: Connection, call: calls.Call, error: LedgerError, actor: str, now: datetime
) -> list[history.Entry]:
    """Stop a running recall until somebody has mended what the error says; the first error wins."""
    recall = recalls.get(connection, call.recall_id, lock=True)
    if recall.status is not Status.RUNNING:
        return []
    said = {"code": error.code, "message": str(error)}
    recalls.change(connection, recall.id, status=Status.PAUSED, error=said)
    return [history.Entry(at=now, event="paused", actor=actor, recall_id=recall.id, detail=said)]


def _baffled(reading: Reading) -> PausedError:
    return PausedError(
        f"DingTalk refuses every key with a code that no page explains ({reading.code}: {reading.reason}), and each "
        "refusal costs calls. Look at `ledger show`, then `ledger resume` or `ledger cancel`"
    )


def _made(ending: Ending, reading: Reading | None, call: calls.Call, now: datetime) -> calls.Made:
    if isinstance(ending, Unsent) or reading is None:
        why = ending.why if isinstance(ending, Unsent) else None
        return calls.Made(verdict=calls.UNSENT, reason=why)
    return calls.Made(
        verdict=reading.verdict,
        http_status=ending.status if isinstance(ending, Answer) else None,
        code=reading.code,
        reason=reading.reason,
        request_id=ending.request_id if isinstance(ending, Answer) else None,
        duration_ms=max(int((now - call.slot_at).total_seconds() * 1000), 0),
    )
