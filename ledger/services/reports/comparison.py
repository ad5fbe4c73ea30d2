"""What people are shown, held against what the history says: two streams in one order, in constant memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.core.audit.chain_facts import ChainFacts, differences
from ledger.core.audit.findings import Findings
from ledger.core.recalls.frozen import mark_of
from ledger.core.recalls.plan_messages import digest_of
from ledger.core.recalls.recall import Status
from ledger.core.recalls.unsent import UNSENT
from ledger.services.reports.correction_comparison import compare_corrections
from ledger.services.reports.frozen_check import FrozenChecks
from ledger.services.reports.merging import merged
from ledger.services.reports.row_progress import UNSEEN, Progress
from ledger.store.audit import audit_reads, commitments, shown
from ledger.store.audit.fact_file import FactFile
from ledger.store.recalls import plan_messages
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.recalls.lost_calls import LOST

Row = Mapping[str, Any]
_OUTCOME = ("outcome", "code", "reason", "finished_at", "call_id", "attempts", "ended_by")


def compare(
    connection: Connection, facts: ChainFacts, file: FactFile, findings: Findings, progress: Progress = UNSEEN
) -> None:
    """Note whatever is shown that does not follow from the history."""
    committer = commitments.to_check(connection, facts.erased)
    present = _compare_recalls(connection, facts, findings, committer)
    items = progress.over(shown.shown_items(connection, committer))
    in_flight = _compare_items(items, facts, file, findings, present)
    _compare_skips(connection, facts, findings, present, committer)
    _compare_plans(connection, facts, findings, present)
    calls = progress.over(shown.shown_calls(connection))
    _compare_calls(calls, facts, file, findings, present, in_flight)
    compare_corrections(connection, facts.corrections, file, findings, present, committer)
    # They go with their message, a moment later.
    gone = list(shown.shown_elsewhere(connection))
    there = shown.recorded(connection, facts.elsewhere) | {number for number, _ in gone}
    elsewhere = {number: fact for number, fact in facts.elsewhere.items() if number in there}
    for what, rows, expected, name_of in (
        ("approval", shown.shown_approvals(connection), facts.approvals, _no_name),
        ("break_glass", shown.shown_break_glass(connection), facts.break_glass, _no_name),
        ("schedule", shown.shown_schedules(connection), facts.schedules, _no_name),
        ("token", shown.shown_tokens(connection), facts.tokens, _own_name),
        ("policy", shown.shown_policies(connection), facts.policies, _own_name),
        ("elsewhere", iter(gone), elsewhere, _own_key),
    ):
        _compare_small(what, rows, expected, name_of, findings)
    _compare_stops({row["campaign"]: row for row in shown.shown_stops(connection)}, facts, findings)
    _compare_reads(connection, facts, findings)
    _compare_read_counts(connection, facts, findings)
    if facts.seal is not None and (kept := commitments.seal(connection)) != facts.seal:
        findings.add_changed("person", None, None, [("commitment", facts.seal, kept)])
    for kind, recall_id, key, user in shown.wrong_in_index(connection):
        findings.add_row(kind, "index", recall_id, f"{user}: {key}")


def _compare_recalls(
    connection: Connection, facts: ChainFacts, findings: Findings, committer: commitments.Committer
) -> set[int]:
    """Return the recalls that are shown."""
    present = set()
    for recall_id, row in shown.shown_recalls(connection):
        present.add(recall_id)
        expected = facts.recalls.get(recall_id)
        if expected is None or "planned_at" not in expected or recall_id in facts.given_up:
            findings.add_row("added", "recall", recall_id, None)
        else:
            row["selection"] = committer.selection(row["selection"])
            findings.add_changed("recall", recall_id, None, differences(expected, row))
    for recall_id in sorted(facts.recalls.keys() - present):
        if facts.must_be_there(recall_id):
            findings.add_row("missing", "recall", recall_id, None)
    return present


def _compare_items(
    rows: Iterator[tuple[int, shown.ShownItem]],
    facts: ChainFacts,
    file: FactFile,
    findings: Findings,
    present: set[int],
) -> set[int]:
    """Return the calls in which items wait for an answer."""
    checks, in_flight = _checks("item", FROZEN_OF_ITEM, facts, present), set[int]()
    for _, found, expected in merged(rows, file.items()):
        if found is None:
            assert expected is not None  # noqa: S101  (one of two is there)
            findings.add_row("missing", "item", expected.get("recall_id"), expected.get("process_query_key"))
            continue
        row = found.state
        recall_id, key = row["recall_id"], row["process_query_key"]
        if recall_id not in present:
            continue
        if recall_id in checks:
            checks[recall_id].add(key, found.covered, found.frozen)
        if row["outcome"] is None and row["call_id"] is not None:
            in_flight.add(row["call_id"])
        if expected is not None:
            findings.add_changed("item", recall_id, key, _of_item(expected, row, facts))
        elif row["outcome"] is not None or row["ended_by"] is not None:
            findings.add_changed("item", recall_id, key, _ended_unsaid(row))
        elif facts.recalls.get(recall_id, {}).get("status") == Status.FINISHED:
            findings.add_row("added", "item", recall_id, key)
    for check in checks.values():
        check.note(findings)
    return in_flight


def _ended_unsaid(row: Row) -> Iterator[tuple[str, Any, Any]]:
    """Yield what an item says of its end of which the history says nothing."""
    return differences({"outcome": None, "ended_by": None}, row)


def _of_item(expected: Row, row: Row, facts: ChainFacts) -> Iterator[tuple[str, Any, Any]]:
    for name, chain, value in differences(expected, row):
        # An earlier release did not say which items wait again after a retry.
        if not (row["outcome"] is None and row["recall_id"] in facts.loose and name in _OUTCOME):
            yield name, chain, value


def _compare_skips(
    connection: Connection,
    facts: ChainFacts,
    findings: Findings,
    present: set[int],
    committer: commitments.Committer,
) -> None:
    checks = _checks("skip", FROZEN_OF_SKIP, facts, present)
    for skip in shown.shown_skips(connection, committer):
        if skip.recall_id in checks:
            checks[skip.recall_id].add(skip.key, skip.covered, skip.frozen)
    for check in checks.values():
        check.note(findings)


def _compare_plans(connection: Connection, facts: ChainFacts, findings: Findings, present: set[int]) -> None:
    """Compare what plans have yet to freeze with what they saw."""
    stored = {recall_id: digest_of(packed) for recall_id, packed in plan_messages.stored(connection).items()}
    for recall_id in sorted(present | stored.keys()):
        expected = facts.recalls.get(recall_id, {})
        is_left = bool(expected.get("unfrozen_items") or expected.get("unfrozen_skips"))
        if is_left != (recall_id in stored):
            findings.add_row("missing" if is_left else "added", "plan", recall_id, None)
        # What was changed and put back has left its digest where a part was frozen from it.
        used = facts.frozen_from.get(recall_id, stored.get(recall_id))
        if used not in (None, facts.seen.get(recall_id)):
            findings.add_changed("plan", recall_id, None, [("digest", facts.seen.get(recall_id), used)])


def _checks(what: str, columns: tuple[str, ...], facts: ChainFacts, present: set[int]) -> dict[int, FrozenChecks]:
    """Return the checks of what was frozen, by recall; the parts that froze nothing of this kind say nothing of it."""
    kind = f"{what}s"
    return {
        recall_id: FrozenChecks(
            what, recall_id, columns, [one[kind] for one in parts if one.get(kind, {}).get("count")]
        )
        for recall_id, parts in facts.frozen.items()
        if recall_id in present
    }


def _compare_calls(
    rows: Iterator[tuple[int, dict[str, Any]]],
    facts: ChainFacts,
    file: FactFile,
    findings: Findings,
    present: set[int],
    in_flight: set[int],
) -> None:
    for call_id, row, expected in merged(rows, file.calls()):
        if row is None:
            assert expected is not None  # noqa: S101  (one of two is there)
            findings.add_row("missing", "call", expected["recall_id"], str(call_id))
        elif expected is not None:
            seen = {**row, "owner": mark_of(str(row["owner"]))}
            findings.add_changed("call", row["recall_id"], str(call_id), differences(expected, seen))
        elif row["recall_id"] in present and not _needs_no_entry(row, facts, call_id in in_flight):
            findings.add_row("added", "call", row["recall_id"], str(call_id))


def _needs_no_entry(row: Row, facts: ChainFacts, is_in_flight: bool) -> bool:
    """Say whether a call may be there of which the history says nothing: one in flight, or that never left."""
    if row["verdict"] is None:
        return is_in_flight
    # An earlier release did not write down which calls were given up.
    return row["verdict"] == UNSENT or (row["verdict"] == LOST and row["recall_id"] not in facts.frozen)


def _compare_small(
    what: str,
    rows: Iterator[tuple[int, Row]],
    expected: Mapping[int, Row],
    name_of: Callable[[Row], str | None],
    findings: Findings,
) -> None:
    for number, row, fact in merged(rows, iter(sorted(expected.items()))):
        named = row if row is not None else fact
        assert named is not None  # noqa: S101  (one of two is there)
        recall_id = number if what in ("approval", "break_glass", "schedule") else None
        if row is None or fact is None:
            findings.add_row("added" if fact is None else "missing", what, recall_id, name_of(named))
        else:
            findings.add_changed(what, recall_id, name_of(fact), differences(fact, row))


def _compare_reads(connection: Connection, facts: ChainFacts, findings: Findings) -> None:
    for number in audit_reads.up_to(connection, facts.reads_left):
        findings.add_row("added", "reads", None, str(number))
    sealed_up_to = facts.reads_left
    for after, last, count, digest in facts.reads:
        if after != sealed_up_to:
            # Whoever moves the mark after which the next part begins leaves out what was read before it.
            findings.add_changed("reads", None, f"{sealed_up_to + 1} to {after}", [("sealed", sealed_up_to, after)])
        found = dict(zip(("count", "digest"), audit_reads.digest_between(connection, after, last), strict=True))
        sealed = {"count": count, "digest": digest}
        findings.add_changed("reads", None, f"{after + 1} to {last}", differences(sealed, found))
        sealed_up_to = last
    marked = audit_reads.sealed_up_to(connection)
    if marked != sealed_up_to:
        findings.add_changed("reads", None, f"{sealed_up_to + 1} to {marked}", [("sealed", sealed_up_to, marked)])


def _compare_stops(rows: Mapping[str, Row], facts: ChainFacts, findings: Findings) -> None:
    for campaign in sorted(rows.keys() | facts.stops.keys()):
        row, fact = rows.get(campaign), facts.stops.get(campaign)
        if row is not None and fact is not None:
            findings.add_changed("sending_stop", None, campaign, differences(fact, row))
        elif row is None or facts.knows_stops:
            findings.add_row("added" if fact is None else "missing", "sending_stop", None, campaign)


def _compare_read_counts(connection: Connection, facts: ChainFacts, findings: Findings) -> None:
    gone = set(facts.read_counts)
    for number, row in shown.shown_read_counts(connection):
        gone.discard(number)
        fact = facts.read_counts.get(number)
        if row["asked_at"] < facts.left_before:
            continue
        if fact is not None:
            findings.add_changed("read_count", None, str(number), differences(fact, row))
        else:
            findings.add_row("added", "read_count", None, str(number))
    # Counts of messages that no recall took go with them.
    for number in shown.messages_of_recalls(connection, gone):
        findings.add_row("missing", "read_count", None, str(number))


def _own_name(row: Row) -> str | None:
    return row.get("name")


def _own_key(row: Row) -> str | None:
    return row.get("process_query_key")


def _no_name(_row: Row) -> str | None:
    return None
