"""What people are shown of corrections, held against what the history says."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.core.audit.chain_facts import differences
from ledger.core.audit.findings import Findings
from ledger.core.corrections.correction_facts import CorrectionFacts
from ledger.core.recalls.recall import Status
from ledger.services.reports.frozen_check import FrozenChecks
from ledger.services.reports.merging import merged
from ledger.store.audit import commitments, shown_corrections
from ledger.store.audit.fact_file import FactFile
from ledger.store.corrections.correction_sends import FROZEN_OF_SEND

# A send of which the history says nothing has not ended.
_NOT_ENDED: Mapping[str, Any] = {
    "outcome": None,
    "code": None,
    "reason": None,
    "http_status": None,
    "request_id": None,
    "duration_ms": None,
    "process_query_key": None,
    "undelivered": {},
    "finished_at": None,
    "ended_by": None,
}


def compare_corrections(
    connection: Connection,
    facts: CorrectionFacts,
    file: FactFile,
    findings: Findings,
    recalls: set[int],
    committer: commitments.Committer,
) -> None:
    """Note whatever is shown of the corrections of these recalls that does not follow from the history."""
    recall_of: dict[int, int] = {}
    for number, row in shown_corrections.shown_corrections(connection):
        recall_of[number] = row["recall_id"]
        expected = facts.rows.get(number)
        if expected is None or number in facts.given_up:
            if row["recall_id"] in recalls:
                findings.add_row("added", "correction", row["recall_id"], str(number))
        elif expected["recall_id"] in recalls:
            findings.add_changed("correction", expected["recall_id"], None, differences(expected, row))
    for number, expected in sorted(facts.rows.items()):
        if number not in recall_of and number not in facts.given_up and expected["recall_id"] in recalls:
            findings.add_row("missing", "correction", expected["recall_id"], str(number))
    _compare_sends(connection, facts, file, findings, recalls, committer)


def _compare_sends(
    connection: Connection,
    facts: CorrectionFacts,
    file: FactFile,
    findings: Findings,
    recalls: set[int],
    committer: commitments.Committer,
) -> None:
    mine = {number: row["recall_id"] for number, row in facts.rows.items() if row["recall_id"] in recalls}
    checks = {
        number: FrozenChecks(
            "correction_send",
            recall_id,
            FROZEN_OF_SEND,
            sorted((one for one in facts.frozen.get(number, []) if one["count"]), key=lambda one: one["ids"][0]),
        )
        for number, recall_id in mine.items()
    }
    rows = shown_corrections.shown_sends(connection, committer)
    for send_id, found, expected in merged(rows, file.sends()):
        key = str(send_id)
        if found is None:
            assert expected is not None  # noqa: S101  (one of two is there)
            if (number := expected["correction_id"]) in mine:
                findings.add_row("missing", "correction_send", mine[number], key)
            continue
        number = found.state["correction_id"]
        if number in checks:
            checks[number].add(key, found.covered, found.frozen)
        if expected is not None and expected["correction_id"] in mine:
            findings.add_changed(
                "correction_send", mine[expected["correction_id"]], key, differences(expected, found.state)
            )
        elif number in mine:
            findings.add_changed("correction_send", mine[number], key, differences(_unsaid(facts, number), found.state))
    for check in checks.values():
        check.note(findings)


def _unsaid(facts: CorrectionFacts, number: int) -> Mapping[str, Any]:
    """Return what is expected of a send of which the history does not say that it ended: of what is over, it would."""
    is_over = facts.rows[number]["status"] == Status.FINISHED
    return {"outcome": "as the history says"} if is_over else _NOT_ENDED
