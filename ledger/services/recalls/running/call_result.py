"""How a call ended: with an answer, without one, or before it left; what that means, and what there is to record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core.answer import Answer, NoAnswer
from ledger.core.recalls.reply import Reading, Verdict, read
from ledger.core.recalls.unsent import UNSENT
from ledger.errors import LedgerError
from ledger.store.audit import history
from ledger.store.recalls import calls, endings


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A call that never left: too late for its slot, or something has to be fixed first."""

    why: str
    error: LedgerError | None = None


Ending = Answer | NoAnswer | Unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """A call that is over: what its answer means, None when it never left, and what there is to record."""

    call: calls.Call
    reading: Reading | None
    made: calls.CallRecord
    error: LedgerError | None

    @classmethod
    def of(cls, call: calls.Call, ending: Ending, at: datetime) -> "CallResult":
        """Read how a call ended, and when."""
        if isinstance(ending, Unsent):
            made = calls.CallRecord(verdict=UNSENT, reason=ending.why)
            return cls(call=call, reading=None, made=made, error=ending.error)
        reading = read(ending, [item.process_query_key for item in call.items])
        made = calls.CallRecord(
            verdict=reading.verdict,
            http_status=ending.status if isinstance(ending, Answer) else None,
            code=reading.code,
            reason=reading.reason,
            request_id=ending.request_id if isinstance(ending, Answer) else None,
            duration_ms=max(int((at - call.slot_at).total_seconds() * 1000), 0),
        )
        return cls(call=call, reading=reading, made=made, error=None)

    @property
    def is_answered(self) -> bool:
        """True when the answer speaks of each key."""
        return self.reading is not None and self.reading.verdict is Verdict.ANSWERED

    def entry(self, ended: Sequence[endings.Ended], actor: str, now: datetime) -> history.Entry:
        """Return what history says of a call that was made, and of the items that it ended."""
        route = self.call.route
        facts: dict[str, Any] = {
            "call": self.call.id,
            "verdict": self.made.verdict,
            "status": self.made.http_status,
            "request_id": self.made.request_id,
            "code": self.made.code,
            "reason": self.made.reason,
            "ms": self.made.duration_ms,
            "keys": len(self.call.items),
            **history.route_fact(route.app, route.chat, route.robot_code, self.call.owner, self.call.slot_at),
            "by": self.call.run_by,
            "items": [one.to_fact() for one in ended],
        }
        return history.Entry(at=now, event="call", actor=actor, recall_id=self.call.recall_id, detail=facts)
