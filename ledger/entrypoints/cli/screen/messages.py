"""Recorded messages as rows of a sheet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.core.recalls.plan import Standing
from ledger.entrypoints.cli.screen.sheet import Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.tables import UNTAGGED
from ledger.entrypoints.cli.screen.words import day_and_time, left, plain

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.recording.recorded_message import RecordedMessage

# Widths are fixed: a long list is written in pieces, and they stand under each other. Whom it went to and its key tell
# a message from others, so they stay the longest.
_MESSAGES = (
    Column(title="sent", width=12, goes=4),
    Column(title="left", width=11, goes=1),
    Column(title="campaign", width=24),
    Column(title="to", width=12, gives_way=True, narrowest=8),
    Column(title="standing", width=11, goes=3),
    Column(title="key", width=9),
)
_WORDS = {
    Standing.ELIGIBLE: "recallable",
    Standing.ALREADY_RECALLED: "recalled",
    Standing.ELSEWHERE: "elsewhere",
    Standing.IN_PROGRESS: "in a recall",
    Standing.EXPIRED: "expired",
}


def print_messages(
    paper: "Console",
    messages: "Sequence[RecordedMessage]",
    now: datetime,
    *,
    show_header: bool = True,
    with_campaign: bool = True,
) -> None:
    """Write messages, a row each, with their campaign where it is not the same of all."""
    # A wider screen shows more of the campaign, then of the key.
    spare = max(paper.width - 80, 0)
    more = {"campaign": min(spare // 3, 24), "to": min(spare // 3, 24), "key": min(spare // 3, 40)}
    columns = [replace(one, width=(one.width or 0) + more.get(one.title, 0)) for one in _MESSAGES]
    rows = [
        SheetRow(
            cells=(
                day_and_time(one.sent_at),
                left(one.deadline, now).removesuffix(" left"),
                UNTAGGED if one.campaign is None else plain(one.campaign),
                _whom(one),
                _WORDS.get(one.standing, one.standing.value),
                plain(one.process_query_key),
            ),
            style=None if one.standing is Standing.ELIGIBLE else "dim",
        )
        for one in messages
    ]
    if not with_campaign:
        place = next(place for place, column in enumerate(columns) if column.title == "campaign")
        del columns[place]
        rows = [replace(row, cells=[*row.cells[:place], *row.cells[place + 1 :]]) for row in rows]
    print_sheet(paper, columns, rows, show_header=show_header)


def _whom(message: "RecordedMessage") -> str:
    """Say whom a message reached: one by name, several by their number, a group as what it is."""
    if len(message.recipients) == 1:
        return plain(message.recipients[0])
    return f"{len(message.recipients)} people" if message.recipients else message.chat.value.replace("_", " ")
