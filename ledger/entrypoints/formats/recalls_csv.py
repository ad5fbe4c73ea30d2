"""Recalls as CSV, a row each: when, by whom, why, and how many messages ended how."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.entrypoints.formats.csv_form import VERBATIM, CsvForm, csv_lines
from ledger.entrypoints.formats.translations import FileLanguage

if TYPE_CHECKING:
    from datetime import datetime

    from ledger.core.recalls.recall import Result

# What contract and JSON call them. What is new comes last.
COLUMNS = (
    "recall_id",
    "status",
    "campaigns",
    "reason",
    "actor",
    "approved_by",
    "planned_at",
    "started_at",
    "finished_at",
    "elapsed_seconds",
    "eligible",
    "recalled",
    "refused",
    "partial",
    "expired",
    "unknown",
    "cancelled",
    "pending",
    "calls",
    "error",
    "follows",
    "break_glass_by",
    "break_glass_reason",
    "reviewed_by",
    "review",
)
# How a recall stands for people, as of a moment; last, for it is the newest.
STATE = "state"


def recalls_as_csv(
    batches: "Iterable[Sequence[Result]]", form: CsvForm = VERBATIM, *, now: "datetime | None" = None
) -> Iterator[str]:
    """Write batches of recalls; with a moment, also how each stood then, which its status alone does not say."""
    if now is None:
        return csv_lines(COLUMNS, ((recall_cells(one, form.language) for one in results) for results in batches), form)
    from ledger.core.recalls.recall_state import state_of

    rows = (
        ([*recall_cells(result, form.language), state_of(result, now).value] for result in results)
        for results in batches
    )
    return csv_lines((*COLUMNS, STATE), rows, form)


def recall_cells(result: "Result", language: FileLanguage | None = None) -> list[object]:
    """Return a recall's cells in the order of COLUMNS; what is not there is empty."""
    broken = result.break_glass
    fields = result.to_json() | {
        "break_glass_by": broken.broken_by if broken else None,
        "break_glass_reason": broken.reason if broken else None,
        "reviewed_by": broken.reviewed_by if broken else None,
        "review": broken.review if broken else None,
        "campaigns": " ".join(result.campaigns),
        "approved_by": result.approval.approved_by if result.approval else None,
        "error": _error(result.error, language) if result.error else None,
    }
    return [fields[name] for name in COLUMNS]


def _error(error: Mapping[str, str], language: FileLanguage | None) -> str:
    """Return why a recall paused: for programs as it is kept, for people in their language."""
    if language is None:
        return error["message"]
    from ledger.core.recalls.pause_texts import told_in

    return told_in(error, language.value)
