"""What the history says of corrections: their entries, taken one after the other, give the columns that are shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ledger.core.corrections.correction import SendOutcome
from ledger.core.recalls.recall import Status

Columns = dict[str, Any]
OF_CORRECTIONS = "correction_"
_GIVEN_UP = "correction_plans_given_up"
_SAID_BY_CALLS = {
    "outcome": "outcome",
    "code": "code",
    "reason": "reason",
    "status": "http_status",
    "request_id": "request_id",
    "ms": "duration_ms",
    "attempts": "attempts",
    "never_left": "never_left",
    "key": "process_query_key",
    "by": "ended_by",
}
_UNANSWERED = dict.fromkeys(("http_status", "request_id", "duration_ms", "process_query_key"))
_NOBODY_ASKED = ("requested_by", "requested_at", "valid_until", "verdict", "decided_by", "decided_at", "refusal")


class SendSink(Protocol):
    """Where the facts of sends go, of which there may be too many to hold."""

    def end_send(self, send_id: int, columns: Columns) -> None:
        """Take how a send ended."""


@dataclass(slots=True)
class CorrectionFacts:
    """What is expected of corrections, by number; sends go to the sink.

    `frozen` has the digests of who was to get which call, part by part. `given_up` are plans that nobody started.
    """

    sink: SendSink
    rows: dict[int, Columns] = field(default_factory=dict)
    frozen: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)
    given_up: set[int] = field(default_factory=set)

    def add(self, at: str, event: str, actor: str, recall_id: int | None, detail: Mapping[str, Any]) -> None:
        """Take the next entry; raise KeyError, TypeError or ValueError when it does not say what such an entry says."""
        if event == _GIVEN_UP:
            self.given_up.update(detail["corrections"])
            return
        number, what = detail["correction"], event.removeprefix(OF_CORRECTIONS)
        if what == "planned":
            self.rows[number] = _planned(at, actor, recall_id, detail)
            return
        known = self.rows[number]
        if "frozen" in detail:
            self.frozen.setdefault(number, []).append(detail["frozen"])
        if what in ("call", "lost"):
            self._end(at, number, what, detail)
        elif what in ("cancelled", "left_unsent"):
            for send_id in detail["sends"]:
                self.sink.end_send(send_id, _cancelled(at, number, detail["by"]))
        self._move(at, what, actor, known, detail)

    def _end(self, at: str, number: int, what: str, detail: Mapping[str, Any]) -> None:
        if detail["outcome"] is None:
            return
        says = {column: detail[name] for name, column in _SAID_BY_CALLS.items() if name in detail}
        undelivered = detail["undelivered"] if what == "call" else {}
        unanswered = _UNANSWERED if what == "lost" else {}
        columns = {**unanswered, **says, "undelivered": undelivered, "correction_id": number, "finished_at": at}
        self.sink.end_send(detail["send"], columns)

    def _move(self, at: str, what: str, actor: str, known: Columns, detail: Mapping[str, Any]) -> None:
        if what == "approval_requested":
            known |= {"requested_by": actor, "requested_at": at, "valid_until": detail["valid_until"]}
        elif what in ("approved", "refused"):
            known |= {"verdict": what, "decided_by": actor, "decided_at": at, "refusal": detail.get("reason")}
        elif what == "started":
            known |= {"status": Status.RUNNING.value, "started_at": at}
        elif what == "resumed":
            known |= {"status": Status.RUNNING.value, "error": None}
        elif what == "paused":
            known |= {"status": Status.PAUSED.value, "error": dict(detail["error"])}
        elif what == "finished":
            known |= {"status": Status.FINISHED.value, "finished_at": at}
        if what in ("cancelled", "refused"):
            known |= {"status": Status.CANCELLED.value, "finished_at": at}
        if what in ("started", "resumed", "cancelled", "refused"):
            known["moved_by"] = detail["by"]


def _planned(at: str, actor: str, recall_id: int | None, detail: Mapping[str, Any]) -> Columns:
    names = ("reason", "campaign", "msg_key", "msg_param", "plan", "seen")
    says = {name: detail[name] for name in names}
    later = dict.fromkeys(("error", "started_at", "finished_at", "moved_by", *_NOBODY_ASKED))
    return {
        **says,
        **later,
        "recall_id": recall_id,
        "status": Status.PLANNED.value,
        "actor": actor,
        "planned_at": at,
    }


def _cancelled(at: str, number: int, by: str) -> Columns:
    ended: Columns = {"outcome": SendOutcome.CANCELLED.value, "code": None, "reason": None, "undelivered": {}}
    return {**_UNANSWERED, **ended, "correction_id": number, "finished_at": at, "ended_by": by}
