"""One recall whole, for people: how it stands, what it was about, its messages, what it left out, its calls."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger.core.recalls.pauses import without_next_step
from ledger.core.recalls.recall import Outcome
from ledger.entrypoints.cli.screen.disputes import mark_of, show_disputes, show_still_there
from ledger.entrypoints.cli.screen.reads import before_reading_in_words
from ledger.entrypoints.cli.screen.results import show_result
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.tables import print_items
from ledger.entrypoints.cli.screen.words import exact_moment, number_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from ledger.services.reports.recalls import RecallReport

SHOWN_ROWS = 50
_CALLS = (
    Column(title="made"),
    Column(title="keys", is_number=True),
    Column(title="verdict"),
    Column(title="status", is_number=True),
    Column(title="ms", is_number=True),
    Column(title="answer", gives_way=True, is_text=True),
)


def show_report(paper: "Console", report: "RecallReport", now: datetime) -> None:
    """Write a report for people."""
    result = report.result
    if report.disputes is not None:
        show_disputes(paper, report.disputes)
    if report.still_there:
        show_still_there(paper, report.still_there)
    calls = report.plan.get("calls")
    show_result(paper, result, report.items, now=now, planned_calls=calls, people=report.people, shows_more=True)
    if report.before_reading is not None:
        words = before_reading_in_words(report.before_reading)
        sentence(paper, f"read: {words}", lead="  ")
    sentence(paper, f"reason: {plain(result.reason)} ({plain(result.actor)})", lead="  ")
    sentence(paper, f"asked for: {_selection(report.selection)}", lead="  ")
    for entry in report.timeline:
        sentence(paper, _done(entry), lead="  ")
    if result.follows is not None:
        sentence(paper, f"follows: recall {result.follows}, which is sticky", lead="  ")
    if report.skipped:
        counts = Counter(str(skip["standing"]).replace("_", " ") for skip in report.skipped)
        sentence(paper, f"left out: {', '.join(f'{count:,} {why}' for why, count in counts.items())}", lead="  ")
    if report.items:
        paper.print(f"\n{number_of(len(report.items), 'message')}", style="bold")
        # What somebody has to look at comes first.
        marks = {item.process_query_key: marks_of_item(report, item.process_query_key) for item in report.items}
        items = sorted(
            report.items, key=lambda item: (not marks[item.process_query_key], item.outcome == Outcome.RECALLED)
        )
        print_items(paper, items[:SHOWN_ROWS], marks)
        _more(paper, len(report.items))
    if report.calls:
        paper.print(f"\n{number_of(len(report.calls), 'call')}", style="bold")
        _print_calls(paper, report)
        _more(paper, len(report.calls))


def marks_of_item(report: "RecallReport", key: str) -> str:
    """Return what stands beside a message: that it is disputed, or gone by other hands; empty for any other."""
    there = next((one for one in report.still_there if one.process_query_key == key), None)
    says = "" if there is None else f"DingTalk says {there.status}: it is still there"
    theirs = "recalled elsewhere" if key in report.recalled_elsewhere else ""
    return "; ".join(filter(None, (says, theirs, mark_of(report.disputes, "item", key))))


def _done(entry: "Mapping[str, Any]") -> str:
    """Write one thing that was done: when, by whom, and of a pause, why."""
    why = f": {plain(without_next_step(entry['cause']['message']))}" if entry["cause"] else ""
    return f"{exact_moment(entry['at'])}: {entry['event'].replace('_', ' ')} by {plain(entry['actor'])}{why}"


def _selection(selection: "Mapping[str, Any]") -> str:
    parts = []
    for name, value in selection.items():
        if value is True:
            parts.append(name.replace("_", " "))
        elif isinstance(value, list) and len(value) > 3:
            parts.append(f"{len(value):,} {name}")
        else:
            parts.append(f"{name} {plain(', '.join(value) if isinstance(value, list) else str(value))}")
    return "; ".join(parts)


def _print_calls(paper: "Console", report: "RecallReport") -> None:
    rows = []
    for call in report.calls[:SHOWN_ROWS]:
        mark = mark_of(report.disputes, "call", str(call["id"]))
        cells = (
            exact_moment(call["slot_at"]),
            str(call["key_count"]),
            plain(call["verdict"] or "no answer yet"),
            _number(call["http_status"]),
            _number(call["duration_ms"]),
            "; ".join(filter(None, (mark, plain(": ".join(filter(None, (call["code"], call["reason"]))))))),
        )
        style = "red" if mark else None if call["verdict"] == "answered" else "yellow"
        rows.append(SheetRow(cells=cells, style=style))
    print_sheet(paper, _CALLS, rows)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _more(paper: "Console", total: int) -> None:
    if total > SHOWN_ROWS:
        paper.print(f"and {total - SHOWN_ROWS:,} more: --json", style="dim")
