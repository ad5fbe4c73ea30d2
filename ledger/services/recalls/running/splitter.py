"""Calls that were refused as a whole: which of their keys are asked again together, alone, or no more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.core.recalls.fate import NextAsk, held_until, is_shared, next_ask
from ledger.core.recalls.reply import Reading
from ledger.core.recalls.settle import split
from ledger.services.recalls.running.call_result import CallResult
from ledger.store.recalls import calls, endings, recalls, shared_fates

NOT_ASKED_AGAIN = "asked without an answer; others that left in the same call are refused now, each by itself"


def split_call(connection: Connection, call: calls.Call, reading: Reading, now: datetime) -> None:
    """Let the keys of a refused call wait again so that the one that spoilt it is found in few calls."""
    until = held_until(call.items, now) if is_shared(call.items, reading) else None
    if until is not None:
        first, *others = (item.item_id for item in call.items)
        calls.release_items(connection, call.id, [first])
        calls.release_items(connection, call.id, others, not_before=until)
        return
    lane = recalls.get(connection, call.recall_id, lock=True).next_lane
    parts = split(call.items, reading.suspects)
    for number, part in enumerate(parts):
        calls.release_items(connection, call.id, [item.item_id for item in part], lane=lane + number)
    recalls.change(connection, call.recall_id, next_lane=lane + len(parts))


def follow_fate(connection: Connection, over: CallResult, now: datetime, by: str) -> Sequence[endings.Ended]:
    """Decide about those that were held back for the key of a settled call; return what ended unknown by that.

    `by` is who ran the call.
    """
    call, reading = over.call, over.reading
    asked_with = call.items[0].asked_with
    if reading is None or len(call.items) > 1 or asked_with is None:
        return ()
    fate = shared_fates.fate_of(connection, call.recall_id, asked_with, reading.code or "", now)
    held = [item.item_id for item in fate.held]
    if not held:
        return ()
    step = next_ask(reading, fate.refused_alone)
    if step is NextAsk.NONE:
        return endings.leave_unknown(connection, held, reading.code, f"{NOT_ASKED_AGAIN} ({reading.reason})", now, by)
    if step is NextAsk.ONE:
        shared_fates.free_held(connection, held[-1:])
        return ()
    lane = recalls.get(connection, call.recall_id, lock=True).next_lane
    shared_fates.free_held(connection, held, lane=lane)
    recalls.change(connection, call.recall_id, next_lane=lane + 1)
    return ()
