"""What an answer changes of a correction: its send, the pace, its state, and the history of it all."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock, format_time
from ledger.core.access.actors import OURSELVES
from ledger.core.answer import Answer
from ledger.core.corrections.correction import SEND_API, Batch, SendOutcome, halves
from ledger.core.corrections.correction_reply import SendReading, read_send
from ledger.core.recalls import pauses
from ledger.core.recalls.quota import month_of
from ledger.core.recalls.recall import Status
from ledger.core.recalls.reply import Reading, Verdict
from ledger.core.recalls.settle import backoff
from ledger.core.recalls.unsent import NOT_SENT
from ledger.errors import LedgerError
from ledger.services.corrections.entries import entry
from ledger.services.recalls.pacing.pace_changes import change_paces
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.running.call_result import Ending, Unsent
from ledger.settings import DEFAULT_APP
from ledger.store.audit import commitments, history
from ledger.store.corrections import correction_sends, corrections
from ledger.store.corrections.correction_sends import FROZEN_OF_SEND, EndedSend, LeavingSend
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recalls import usage
from ledger.store.recalls.frozen import fact_of

# So often a request that never left is tried, which takes about three minutes, before somebody has to look.
MOST_NEVER_LEFT = 8
# So often a send is thrown back since too many people were written to.
MOST_THROWN_BACK = 30
# What leaves a message, or a trace of one, behind: that is counted as a send already.
_RECORDED = (SendOutcome.SENT, SendOutcome.UNKNOWN)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """A send that is over, and what its answer means; None when it never left. `error` has to be fixed first."""

    send: LeavingSend
    ending: Ending
    read: SendReading | None
    duration_ms: int

    @classmethod
    def of(cls, send: LeavingSend, ending: Ending, at: datetime) -> "SendResult":
        """Read how a send ended, and when."""
        read = None if isinstance(ending, Unsent) else read_send(ending, send.people)
        duration = max(int((at - send.slot_at).total_seconds() * 1000), 0)
        return cls(send=send, ending=ending, read=read, duration_ms=duration)

    @property
    def error(self) -> LedgerError | None:
        """What somebody has to fix before anything more is sent."""
        if isinstance(self.ending, Unsent):
            return self.ending.error
        reading = self.reading
        if reading.code == NOT_SENT and self.send.never_left + 1 >= MOST_NEVER_LEFT:
            return pauses.not_reached(reading.reason or NOT_SENT)
        if reading.verdict is Verdict.THROTTLED and self.send.attempts >= MOST_THROWN_BACK:
            return pauses.send_refused(f"{reading.code}: {reading.reason}")
        return reading.error

    @property
    def reading(self) -> Reading:
        """What its answer says of the call."""
        assert self.read is not None  # noqa: S101  (it left)
        return self.read.reading

    @property
    def status(self) -> int | None:
        """The HTTP status of its answer."""
        return self.ending.status if isinstance(self.ending, Answer) else None

    @property
    def request_id(self) -> str | None:
        """The request's number at DingTalk."""
        return self.ending.request_id if isinstance(self.ending, Answer) else None

    def ended(self, outcome: SendOutcome) -> EndedSend:
        """Return it as it is written down."""
        assert self.read is not None  # noqa: S101  (it left)
        return EndedSend(
            outcome=outcome,
            code=self.reading.code,
            reason=self.reading.reason,
            http_status=self.status,
            request_id=self.request_id,
            duration_ms=self.duration_ms,
            process_query_key=self.read.key,
            undelivered=self.read.undelivered,
        )


class SendSettler:
    """Writes down how sends ended."""

    def __init__(self, database: Database, clock: Clock, pace_clock: PaceClock, random: Random) -> None:
        self._database, self._clock, self._pace_clock, self._random = database, clock, pace_clock, random

    @repeated
    def settle(self, endings: Sequence[tuple[LeavingSend, Ending, datetime]]) -> None:
        """Settle sends, which ended in some way at some moment, in one transaction.

        One that was given up for lost meanwhile stays unknown. What others wait for is locked in one order: paces, then
        corrections, then the history.
        """
        now = self._clock.now()
        over = sorted((SendResult.of(*one) for one in endings), key=lambda one: (one.send.correction_id, one.send.id))
        with self._database.write() as connection:
            ours = correction_sends.lock_open(connection, [one.send.id for one in over])
            over = [one for one in over if one.send.id in ours]
            if not over:
                return
            self._change_paces(connection, over)
            entries = [made for one in over for made in self._settle(connection, one, now)]
            for number in sorted({one.send.correction_id for one in over}):
                entries += _end_if_cancelled(connection, number, now)
            history.append(connection, entries)
        for one in over:
            _tell_of_send(one)

    def _change_paces(self, connection: Connection, over: Sequence[SendResult]) -> None:
        readings: dict[tuple[str, str], list[Reading]] = defaultdict(list)
        unused = Counter[str]()
        for one in over:
            if one.read is not None:
                readings[one.send.app, SEND_API].append(one.reading)
            unused[one.send.app] += _costs_nothing_more(one)
        change_paces(connection, self._pace_clock, readings)
        for app, count in sorted(unused.items()):
            usage.count_usage(connection, app, month_of(self._clock.now()), -count)

    def _settle(self, connection: Connection, one: SendResult, now: datetime) -> list[history.Entry]:
        send, entries = one.send, list[history.Entry]()
        if one.read is None:
            correction_sends.put_back(connection, send.id, attempts=send.attempts - 1, never_left=send.never_left)
        else:
            entries.append(self._end(connection, one, one.read, now))
        if one.error is not None:
            entries += _pause(connection, send, one.error, now)
        return entries

    def _end(self, connection: Connection, one: SendResult, read: SendReading, now: datetime) -> history.Entry:
        """Write down what became of a send that was made; return what the history says of it."""
        send = one.send
        committer = commitments.to_write(connection)
        facts: dict[str, Any] = {
            "send": send.id,
            "verdict": read.reading.verdict,
            "outcome": read.outcome,
            "status": one.status,
            "request_id": one.request_id,
            "code": read.reading.code,
            "reason": read.reading.reason,
            "ms": one.duration_ms,
            "people": len(send.people),
            "app": send.app,
            "robot": send.robot_code,
            "slot_at": format_time(send.slot_at),
            "by": send.run_by,
        }
        if read.outcome is None:
            stayed = one.reading.code == NOT_SENT
            never_left = send.never_left + stayed
            wait = backoff(never_left, self._random.random()) if stayed else None
            not_before = now + wait if wait is not None else None
            correction_sends.put_back(
                connection, send.id, attempts=send.attempts, never_left=never_left, not_before=not_before
            )
        else:
            correction_sends.end(connection, send.id, one.ended(read.outcome), by=send.run_by, now=now)
            ((covered,),) = committer.covered(("undelivered",), [[dict(read.undelivered)]])
            facts |= {"key": read.key, "undelivered": covered}
            facts |= {"attempts": send.attempts, "never_left": send.never_left}
            if read.outcome is SendOutcome.SPLIT:
                facts["frozen"] = _split(connection, send, committer)
        correction = corrections.get(connection, send.correction_id)
        return entry(correction, "call", send.run_by, now, **facts)


def _split(connection: Connection, send: LeavingSend, committer: commitments.Committer) -> Any:
    """Write down the halves of a send that somebody in it spoils; return what proves them."""
    # One after the other: the numbers of what is written together follow each other.
    corrections.get(connection, send.correction_id, lock=True)
    parts = [Batch(app=send.app, robot_code=send.robot_code, people=some) for some in halves(send.people)]
    written = correction_sends.add(connection, send.correction_id, parts)
    return fact_of(FROZEN_OF_SEND, written, committer, of=len(parts))


def _costs_nothing_more(one: SendResult) -> bool:
    """Say whether a call is not to be counted: it never counted, or what it left behind is counted as a send."""
    return one.read is None or one.reading.is_free or one.read.outcome in _RECORDED


def _pause(connection: Connection, send: LeavingSend, error: LedgerError, now: datetime) -> list[history.Entry]:
    """Stop a running correction until somebody has fixed what the error says; the first error wins."""
    correction = corrections.get(connection, send.correction_id, lock=True)
    if correction.status is not Status.RUNNING:
        return []
    says = pauses.facts_of(error, send.app if send.app != DEFAULT_APP else None)
    corrections.change(connection, correction.id, status=Status.PAUSED, error=says)
    log.info("the correction of recall %s paused: %s", correction.recall_id, says["message"])
    return [entry(correction, "paused", OURSELVES, now, error=says)]


def _end_if_cancelled(connection: Connection, correction_id: int, now: datetime) -> list[history.Entry]:
    """End what waits again although its correction was cancelled while it was on its way."""
    correction = corrections.get(connection, correction_id, lock=True)
    if correction.status is not Status.CANCELLED:
        return []
    by = correction.runs_for
    left = correction_sends.cancel_waiting(connection, correction_id, by=by, now=now)
    return [entry(correction, "left_unsent", by, now, sends=left, by=by)] if left else []


def _tell_of_send(one: SendResult) -> None:
    verdict = "unsent" if one.read is None else one.reading.verdict
    facts = {"send": one.send.id, "app": one.send.app, "people": len(one.send.people), "verdict": str(verdict)}
    facts |= {"status": one.status, "dingtalk_request_id": one.request_id, "duration_ms": one.duration_ms}
    log.info("send %s of a correction: %s", one.send.id, verdict, extra={"facts": facts})
