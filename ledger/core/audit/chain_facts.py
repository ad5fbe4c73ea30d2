"""What the history says: its entries, taken one after the other, give the columns of whatever people are shown.

Entries of earlier releases say less; what they do not say is not expected.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ledger.core.audit.reads import SEALED
from ledger.core.corrections.correction_facts import OF_CORRECTIONS, CorrectionFacts
from ledger.core.readers.read_sample import ANSWERED
from ledger.core.recalls.recall import Status

Columns = dict[str, Any]
ACTIVATED = {"started", "resumed", "retried"}
MOVED = {*ACTIVATED, "cancel", "refused", "schedule_missed"}
# Other hands have taken messages back.
ELSEWHERE = "recalled_elsewhere"
# The oldest segments of the history have left.
LEFT = "history_left"


class FactSink(Protocol):
    """Where the facts of items and calls go, of which there may be too many to hold."""

    def end_item(self, item_id: int, columns: Columns) -> None:
        """Take how an item ended."""

    def correct_item(self, item_id: int, columns: Columns) -> None:
        """Take what was found out of an item that had ended."""

    def reopen_item(self, item_id: int) -> None:
        """Take that an item waits again."""

    def close_call(self, call_id: int, columns: Columns) -> None:
        """Take how a call ended."""

    def end_send(self, send_id: int, columns: Columns) -> None:
        """Take how a send of a correction ended."""


@dataclass(slots=True)
class ChainFacts:
    """What is expected of recalls, approvals, tokens and policies, by number; items and calls go to the sink.

    `frozen` has the digests of what was frozen of a plan, part by part, and `seen` that of what it has to freeze.
    A recall without them is of an earlier release: of it, less is known. `frozen_from` has the digest of what a part
    was frozen from, when it is not what the plan saw.
    `erased` are the commitments of people who are erased, by pseudonym, and `seal` is that of the
    commitments which are kept since the last erasure.
    `stops` are the campaigns of which nothing more is sent; of those that were stopped before the history began it may
    not say, `knows_stops` then is False.
    `reads` are the parts of readings of the audit that were sealed: after which, up to which, how many, their digest.
    Those up to `reads_left` have left with the entries that sealed them.
    `read_counts` is what was answered of who had read messages, by their numbers; of what was asked before
    `left_before` the entry may have left.
    `loose` are recalls that let items wait again without saying which.
    `left` are recalls that have left the history with its oldest segments: what still stands there of them tells of
    nothing that is shown.
    """

    sink: FactSink
    recalls: dict[int, Columns] = field(default_factory=dict)
    frozen: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)
    seen: dict[int, str] = field(default_factory=dict)
    frozen_from: dict[int, str] = field(default_factory=dict)
    approvals: dict[int, Columns] = field(default_factory=dict)
    tokens: dict[int, Columns] = field(default_factory=dict)
    erased: dict[str, str] = field(default_factory=dict)
    seal: str | None = None
    policies: dict[int, Columns] = field(default_factory=dict)
    elsewhere: dict[int, Columns] = field(default_factory=dict)
    break_glass: dict[int, Columns] = field(default_factory=dict)
    schedules: dict[int, Columns] = field(default_factory=dict)
    stops: dict[str, Columns] = field(default_factory=dict)
    knows_stops: bool = True
    reads: list[tuple[int, int, int, str]] = field(default_factory=list)
    reads_left: int = 0
    read_counts: dict[int, Columns] = field(default_factory=dict)
    left_before: str = ""
    ran: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    loose: set[int] = field(default_factory=set)
    left: frozenset[int] = frozenset()
    corrections: CorrectionFacts = field(init=False)

    def __post_init__(self) -> None:
        self.corrections = CorrectionFacts(self.sink)

    def add(self, at: str, event: str, actor: str, recall_id: int | None, detail: Mapping[str, Any]) -> None:
        """Take the next entry; raise KeyError, TypeError or ValueError when it does not say what such an entry says."""
        if event.startswith("token_"):
            self._add_token(at, event, actor, detail)
        elif event.startswith(OF_CORRECTIONS):
            if recall_id not in self.left:
                self.corrections.add(at, event, actor, recall_id, detail)
        elif event == ANSWERED:
            self._add_reads(at, detail)
        elif recall_id is None:
            self._add_of_all(at, event, actor, detail)
        elif recall_id not in self.left:
            self._add_items(at, event, recall_id, detail)
            self._add_recall(at, event, actor, recall_id, detail)
            self._add_approval(at, event, actor, recall_id, detail)
            # An earlier release did not write it down beside the recall.
            if event in MOVED and "by" in detail:
                self.recalls[recall_id]["moved_by"] = detail["by"]

    def _add_of_all(self, at: str, event: str, actor: str, detail: Mapping[str, Any]) -> None:
        """Take what tells of no recall."""
        if event == "policy_set":
            says = {name: detail[name] for name in ("name", "value")}
            self.policies[detail["policy"]] = {**says, "set_by": actor, "set_at": at}
        elif event == ELSEWHERE:
            self._add_elsewhere(at, detail)
        elif event in ("sending_stopped", "sending_allowed"):
            self._add_stop(event, actor, detail)
        elif event in ("person_erased", SEALED, LEFT):
            self._add_seal(event, detail)
        elif event == "plans_given_up":
            self.given_up.update(detail["plans"])

    def _add_seal(self, event: str, detail: Mapping[str, Any]) -> None:
        if event == SEALED:
            self.reads.append((int(detail["after"]), int(detail["last"]), detail["count"], detail["digest"]))
        elif event == LEFT:
            self.seal = detail["kept"] or self.seal
            self.left_before = detail["before"]
        else:
            self.erased[detail["person"]], self.seal = detail["commitment"], detail["kept"]

    def _add_reads(self, at: str, detail: Mapping[str, Any]) -> None:
        for message_id, status, read, unread in detail["answers"]:
            known = self.read_counts.get(message_id)
            # Whoever has read a message stays so: an answer that names fewer readers changes nothing.
            if known is None or read >= known["read"]:
                says = {"status": status, "read": read, "unread": unread}
                self.read_counts[message_id] = {"message_id": message_id, "asked_at": at, **says}

    def _add_elsewhere(self, at: str, detail: Mapping[str, Any]) -> None:
        for number, robot, key, cause in detail["messages"]:
            says = {"message_id": number, "robot_code": robot, "process_query_key": key, "cause": cause}
            self.elsewhere[number] = {**says, "found_at": at}

    def must_be_there(self, recall_id: int) -> bool:
        """Say whether a recall has to be there: plans that nobody ran go, which earlier releases did not write down."""
        if recall_id in self.given_up:
            return False
        return recall_id in self.frozen or recall_id in self.ran

    def _add_items(self, at: str, event: str, recall_id: int, detail: Mapping[str, Any]) -> None:
        for item_id, key, outcome, code, reason, *attempts in detail.get("items") or ():
            columns = {"process_query_key": key, "outcome": outcome, "code": code, "reason": reason}
            # An earlier release did not say who ran the round.
            columns["ended_by"] = detail.get("by")
            if event == "verified":
                self.sink.correct_item(item_id, columns)
                continue
            columns |= {"recall_id": recall_id, "finished_at": at, "call_id": detail.get("call")}
            if attempts:
                columns["attempts"] = attempts[0]
            self.sink.end_item(item_id, columns)
        for item_id in detail.get("reopened", ()) if event == "reopened" else ():
            self.sink.reopen_item(item_id)
        if event == "retried" and recall_id not in self.frozen:
            self.loose.add(recall_id)
        if event in ("call", "lost"):
            self.sink.close_call(detail["call"], {"recall_id": recall_id, "finished_at": at, **_call(detail)})

    def _add_recall(self, at: str, event: str, actor: str, recall_id: int, detail: Mapping[str, Any]) -> None:
        if event == "planned":
            self.recalls[recall_id] = _planned(at, actor, detail)
            if "frozen" in detail:
                self.frozen[recall_id] = [detail["frozen"]]
            if "seen" in detail:
                self.frozen[recall_id], self.seen[recall_id] = [], detail["seen"]
            return
        known = self.recalls.setdefault(recall_id, {})
        if event == "frozen":
            self._add_frozen(recall_id, known, detail)
        elif event in ACTIVATED:
            self.ran.add(recall_id)
            started_at = known.get("started_at") or at
            known |= {"status": Status.RUNNING.value, "error": None, "started_at": started_at, "finished_at": None}
        elif event == "paused":
            known |= {"status": Status.PAUSED.value, "error": dict(detail)}
        elif event == "finished":
            known |= {"status": Status.FINISHED.value, "finished_at": at}
        elif event in ("cancel", "refused"):
            known |= {"status": Status.CANCELLED.value, "finished_at": at}
        elif event in ("sticky", "unstuck"):
            known["sticky_until"] = detail["until"]
        else:
            self._add_schedule(at, event, actor, recall_id, detail)

    def _add_schedule(self, at: str, event: str, actor: str, recall_id: int, detail: Mapping[str, Any]) -> None:
        known = self.recalls[recall_id] if event in ("schedule_missed", "left_out") else {}
        if event == "scheduled":
            says = {"run_at": detail["at"], "is_proven": detail["proven"]}
            self.schedules[recall_id] = {"recall_id": recall_id, **says, "set_by": actor, "set_at": at}
        elif event == "schedule_missed":
            error = {name: detail[name] for name in ("code", "message")}
            known |= {"status": Status.CANCELLED.value, "finished_at": at, "error": error}
        elif event == "left_out":
            # What others took meanwhile is no item any more: it is left out, and what was seen says so.
            self.seen[recall_id] = detail["seen"]
            known["unfrozen_items"] -= detail["messages"]
            known["unfrozen_skips"] += detail["messages"]

    def _add_frozen(self, recall_id: int, known: dict[str, Any], detail: Mapping[str, Any]) -> None:
        part = detail["frozen"]
        self.frozen[recall_id].append(part)
        if detail["seen"] != self.seen[recall_id]:
            self.frozen_from[recall_id] = detail["seen"]
        known["unfrozen_items"] -= part.get("items", {}).get("count", 0) + detail.get("gone", 0)
        known["unfrozen_skips"] -= part.get("skips", {}).get("count", 0) + detail.get("gone_skips", 0)

    def _add_approval(self, at: str, event: str, actor: str, recall_id: int, detail: Mapping[str, Any]) -> None:
        if event == "approval_requested":
            nobody = dict.fromkeys(("verdict", "decided_by", "decided_at", "reason"))
            asked = {"requested_by": actor, "requested_at": at, "valid_until": detail["valid_until"]}
            self.approvals[recall_id] = {"recall_id": recall_id, **asked, **nobody}
        elif event in ("approved", "refused"):
            decided = {"verdict": event, "decided_by": actor, "decided_at": at, "reason": detail.get("reason")}
            self.approvals[recall_id].update(decided)
        elif event == "break_glass":
            nobody = dict.fromkeys(("reviewed_by", "reviewed_at", "review"))
            broken = {"broken_by": actor, "broken_at": at, "reason": detail["reason"]}
            self.break_glass[recall_id] = {"recall_id": recall_id, **broken, **nobody}
        elif event == "reviewed":
            reviewed = {"reviewed_by": actor, "reviewed_at": at, "review": detail["reason"]}
            self.break_glass[recall_id].update(reviewed)

    def _add_stop(self, event: str, actor: str, detail: Mapping[str, Any]) -> None:
        if event == "sending_allowed":
            self.stops.pop(detail["campaign"], None)
            return
        # An earlier release looked at the clock once more for the entry.
        since = {"stopped_at": detail["since"]} if "since" in detail else {}
        says = {name: detail[name] for name in ("campaign", "recall_id")}
        self.stops[detail["campaign"]] = {**says, "stopped_by": actor, **since}

    def _add_token(self, at: str, event: str, actor: str, detail: Mapping[str, Any]) -> None:
        number = detail["token"]
        if event == "token_created":
            says = {name: detail[name] for name in ("name", "role", "robots", "prefix", "digest") if name in detail}
            # Tokens of an earlier release have no owner of their own.
            says |= {name: detail.get(name) for name in ("owner", "campaigns")}
            self.tokens[number] = {**says, "created_by": actor, "created_at": at, "revoked_at": None}
        elif event == "token_revoked":
            self.tokens[number]["revoked_at"] = at


def _planned(at: str, actor: str, detail: Mapping[str, Any]) -> Columns:
    names = ("reason", "selection", "plan", "follows", "include_shared")
    says = {name: detail[name] for name in names if name in detail}
    later = dict.fromkeys(("error", "started_at", "finished_at", "sticky_until", "moved_by"))
    return {**says, "status": Status.PLANNED.value, "actor": actor, "planned_at": at, **later, **_unfrozen(detail)}


def _unfrozen(detail: Mapping[str, Any]) -> Columns:
    """Return how much a plan has yet to freeze; one of an earlier release was frozen when it was made."""
    plan = detail["plan"] if "seen" in detail else {}
    skips = sum(
        plan.get(name, 0) for name in ("expired", "in_progress", "shared_skipped", "unconfigured", "recalled_elsewhere")
    )
    return {"unfrozen_items": plan.get("eligible", 0), "unfrozen_skips": skips}


_OF_CALL = {
    "app": "app",
    "chat": "chat",
    "robot": "robot_code",
    "keys": "key_count",
    "owner": "owner",
    "slot_at": "slot_at",
    "verdict": "verdict",
    "status": "http_status",
    "code": "code",
    "reason": "reason",
    "request_id": "request_id",
    "ms": "duration_ms",
    "by": "run_by",
}


def _call(detail: Mapping[str, Any]) -> Columns:
    """Return the columns of a call that an entry names; the whole row, when it names the way that the call left."""
    if "slot_at" in detail:
        return {column: detail.get(name) for name, column in _OF_CALL.items()}
    return {column: detail[name] for name, column in _OF_CALL.items() if name in detail}


def differences(expected: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each column that is not what is expected: its name, what the history says, what is shown."""
    # Nearly always all fits, which is seen several times as fast at once.
    if expected.items() <= shown.items():
        return
    for name, value in expected.items():
        if shown.get(name) != value:
            yield name, value, shown.get(name)


def named(names: Sequence[str], cells: Sequence[Any]) -> Columns:
    """Return the cells of a row by the names of their columns."""
    return dict(zip(names, cells, strict=True))
