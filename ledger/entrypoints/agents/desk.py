"""What the tools work with: the parts of the ledger, pages that fit into an answer, and what is said of a recall."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.core.audit.reads import Read
from ledger.core.recalls.recall import Result, Status
from ledger.entrypoints.agents import told
from ledger.entrypoints.agents.callers import AgentCall
from ledger.parts import Parts
from ledger.services.recalls.planning.run_in import RunIn
from ledger.services.reports.list_page import ListPage

# An answer of more is too long for any model: it gets fewer rows, and asks for the next ones.
ANSWER_MAX_BYTES = 64_000
APPROVE = "Another person than the one you act for has to agree, in the console or with `ledger approve {}`"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with."""

    parts: Parts
    run_in: RunIn
    proving: threading.Lock

    def note_read(self, call: AgentCall, tool: str, filters: Mapping[str, Any], rows: int, recall: int | None) -> None:
        """Note who read the audit, as for a route of the service."""
        parts = self.parts
        parts.read_log.note(
            Read(
                at=parts.clock.now(),
                actor=call.actor,
                route=f"mcp:{tool}",
                recall_id=recall,
                filters=filters,
                rows=rows,
            )
        )


def page_of(read: Callable[[int], ListPage[Any]], limit: int, line: Callable[[Any], Any]) -> told.PageTold[Any]:
    """Return a page of as many rows as are asked for, or of fewer when they are too long for an answer."""
    while True:
        found = read(limit)
        page = told.PageTold[Any](rows=[line(one) for one in found.values], cursor=found.cursor)
        if limit == 1 or len(page.model_dump_json().encode()) <= ANSWER_MAX_BYTES:
            return page
        limit //= 2


def recall_of(result: Result) -> told.RecallTold:
    """Return where a recall stands, as it is told."""
    return told.RecallTold(**told.fields_of(result, campaigns=told.first_of(result.campaigns)))


def next_of(recall: told.RecallTold) -> str | None:
    """Say what to do about a recall that has not ended."""
    if recall.status is Status.PLANNED and recall.approval is not None and recall.approval.requested_by is not None:
        return f"Nothing was recalled yet. {APPROVE.format(recall.recall_id)}; then it runs: look with `progress`."
    if recall.status is Status.RUNNING:
        return "It runs: look again with `progress`."
    if recall.status is Status.PAUSED:
        return "It is paused until a person has fixed what `error` says, and resumes it."
    return None
