"""What is listed for people, as rows of a sheet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from ledger.core.campaigns.board import is_open
from ledger.core.recalls.recall_state import RecallState, state_of
from ledger.entrypoints.cli.screen.decision import asked_for_of
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.sheet import GAP, Column, SheetRow, print_sheet
from ledger.entrypoints.cli.screen.words import clock_of, day_and_time, moment, number_of, plain, span

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.campaigns.campaign import CampaignLine
    from ledger.core.recalls.recall import Item
    from ledger.services.reports.recall_lines import RecallLine

UNTAGGED = "(none)"
# Beside rows, a screen holds a header, what is left out, and the prompt that follows.
FRAME_LINES, FEWEST_CAMPAIGNS = 5, 3

# So many cells of a campaign's name are kept before anything else is.
NAME = 24

CAMPAIGNS = (
    Column(title="campaign", gives_way=True, narrowest=NAME),
    Column(title="left", goes=1),
    Column(title="recallable", is_number=True, goes=2),
    Column(title="until", goes=4),
    Column(title="people", is_number=True, goes=3),
    Column(title="recalled", is_number=True, goes=6),
)
# Shown only when some campaign is.
_STICKY = Column(title="sticky", goes=7)
# How many sends lost their key is said below the table, too.
_KEYLESS = Column(title="key lost", is_number=True, goes=5)
_SAYS = Column(title="says", is_text=True, gives_way=True, narrowest=12, goes=8)
_RECALLS = (
    Column(title="id", is_number=True),
    Column(title="status"),
    Column(title="what", gives_way=True, narrowest=NAME),
    Column(title="recalled", is_number=True),
    Column(title="not", is_number=True, goes=1),
    Column(title="started", goes=2),
    Column(title="people", is_number=True, goes=3),
    Column(title="actor", gives_way=True, goes=4),
    Column(title="reason", gives_way=True, is_text=True, goes=5, narrowest=12),
)
_OF_ONE_RECALL = (
    Column(title="ended"),
    Column(title="outcome"),
    Column(title="key", width=19),
    Column(title="people", is_number=True, goes=1),
    Column(title="why", gives_way=True, is_text=True),
)
# Widths are fixed: a long history is written in pieces, and they stand under each other. Who got it tells one from
# another on the narrowest screen.
_HISTORY = (
    Column(title="ended", width=12, goes=2),
    Column(title="recall", is_number=True, width=6),
    Column(title="outcome", width=9),
    Column(title="campaign", width=NAME),
    Column(title="person", width=20, gives_way=True, narrowest=12),
    Column(title="key", width=25, goes=3),
)

_STATES = {
    RecallState.TO_APPROVE: "to approve",
    RecallState.TO_REVIEW: "to review",
    RecallState.STALE: "plan again",
    RecallState.PARTLY: "partly done",
    RecallState.NOTHING: "nothing done",
}
_STYLES = {
    RecallState.PLANNED: "dim",
    **dict.fromkeys((RecallState.TO_APPROVE, RecallState.TO_REVIEW, RecallState.STALE), "bold yellow"),
}


def print_campaigns(
    paper: "Console", lines: Sequence["CampaignLine"], now: datetime, *, show_all: bool = False
) -> None:
    """Write what can still be recalled, a row a campaign, with its countdown.

    On a terminal, what nobody can recall any more, and what would push the most urgent off it, is only counted.
    """
    some_stick, some_lost = any(line.sticky_until for line in lines), any(line.keyless for line in lines)
    some_say = any(line.excerpt for line in lines)
    optional = ((_STICKY, some_stick), (_KEYLESS, some_lost), (_SAYS, some_say))
    more = [column for column, is_shown in optional if is_shown]
    to_know = [*_lost_keys(lines), *_stopped(lines), *_what_to_know(lines)]
    show_all = show_all or not paper.is_terminal
    concern = [line for line in lines if show_all or needs_somebody(line)]
    room = max(paper.height - FRAME_LINES - len(to_know), FEWEST_CAMPAIGNS)
    shown = concern if show_all else concern[:room]
    rows = [_with_more(campaign_row(line, now), line, more, now) for line in shown]
    if rows:
        print_sheet(paper, (*campaign_columns(now), *more), rows)
    for line in (*_left_out(lines, concern, shown), *to_know):
        sentence(paper, line)


def needs_somebody(line: "CampaignLine") -> bool:
    """Say whether anybody may still have to do something about a campaign."""
    return is_open(line) or line.sticky_until is not None


def _with_more(row: SheetRow, line: "CampaignLine", more: Sequence[Column], now: datetime) -> SheetRow:
    """Return the row of a campaign with the columns that only some lists have."""
    cells = {
        _STICKY: f"to {clock_of(line.sticky_until, now)}" if line.sticky_until else "",
        _KEYLESS: f"{line.keyless:,}" if line.keyless else "",
        _SAYS: plain(line.excerpt) if line.excerpt else "",
    }
    return replace(row, cells=(*row.cells, *(cells[column] for column in more)))


def _left_out(
    lines: Sequence["CampaignLine"], concern: Sequence["CampaignLine"], shown: Sequence["CampaignLine"]
) -> Iterator[str]:
    """Say what is not shown: what is less urgent, and what is over."""
    later, over = len(concern) - len(shown), len(lines) - len(concern)
    if later:
        yield f"and {number_of(later, 'campaign')} with more time left: --all"
    if over:
        yield f"and {number_of(over, 'campaign')} of which nothing can be recalled any more: --all"


def _lost_keys(lines: Sequence["CampaignLine"]) -> Iterator[str]:
    if lost := sum(line.keyless for line in lines):
        them = "it" if lost == 1 else "them"
        yield (
            f"{number_of(lost, 'send')} may have reached people, but the key never came back: nobody can recall {them}."
        )


def campaign_columns(now: datetime) -> tuple[Column, ...]:
    """Return the columns of campaigns; the zone of their times stands in their title once."""
    zone = f"until {now.astimezone():%Z}"
    return tuple(replace(one, title=zone) if one.title == "until" else one for one in CAMPAIGNS)


def campaign_row(line: "CampaignLine", now: datetime) -> SheetRow:
    """Return the row of one campaign; dim when nobody has to do anything about it any more."""
    deadline = line.first_deadline
    cells = (
        UNTAGGED if line.campaign is None else plain(line.campaign),
        span((deadline - now).total_seconds()) if deadline else "nothing",
        f"{line.recallable:,} of {line.messages:,}",
        clock_of(deadline, now) if deadline else "-",
        _people(line, now),
        f"{line.recalled:,}",
    )
    return SheetRow(cells=cells, style=None if deadline or line.sticky_until or line.keyless else "dim")


def _people(line: "CampaignLine", now: datetime) -> str:
    """Say how many people a campaign reached, and when they were counted if that was not now."""
    if line.people is None:
        return "not counted yet"
    at = line.people_counted_at
    return f"{line.people:,} at {clock_of(at, now)}" if at else f"{line.people:,}"


def _stopped(lines: Sequence["CampaignLine"]) -> Iterator[str]:
    for line in lines:
        if line.sending_stopped_by is not None:
            by = plain(line.sending_stopped_by)
            yield f"Nothing more of {plain(line.campaign)} is sent: {by} stopped it, `ledger allow` lets it go on."


def _what_to_know(lines: Sequence["CampaignLine"]) -> Iterator[str]:
    """Say of each campaign what a recall of it would not reach, or not by user."""
    for line in lines:
        name = UNTAGGED if line.campaign is None else plain(line.campaign)
        if line.expires_next is not None:
            count = number_of(line.expiring, "message vanishes by itself", "messages vanish by themselves")
            yield f"{name}: {count}, the first {moment(line.expires_next)}."
        if line.recalled_elsewhere:
            yield f"{name}: {number_of(line.recalled_elsewhere, 'message')} recalled by other hands."
        for sends in line.unrecallable:
            yield f"{name}: {number_of(sends.sends, 'send')} cannot be recalled, because {sends.reason}."
    if any(line.people and 0 < line.recallable < line.messages for line in lines):
        yield "People are those of all messages, of what is recalled or past its time too."
    unknown = sum(line.recipients_unknown for line in lines)
    if unknown:
        count = number_of(unknown, "message")
        yield f"{count} whose recipients are not known: recallable by campaign and key, not by user."


def print_recalls(
    paper: "Console",
    lines: Sequence["RecallLine"],
    now: datetime,
    notes: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Write where recalls stand, a row each, with the time of their start; of a plan, of its making.

    `notes` say by number what else there is to know, a line each.
    """
    rows = []
    for line in lines:
        result = line.result
        counts = (
            f"{result.recalled:,} of {result.eligible:,}",
            f"{result.eligible - result.recalled - result.pending:,}",
        )
        began = day_and_time(result.started_at or result.planned_at)
        who = (plain(result.actor), plain(result.reason))
        state = state_of(result, now)
        shown = _STATES.get(state, state.value)
        if result.scheduled_at is not None and state is RecallState.SCHEDULED:
            shown = f"waits until {clock_of(result.scheduled_at, now)}"
        people = "-" if line.people is None else f"{line.people:,}"
        cells = (str(result.recall_id), shown, asked_for_of(line), *counts, began, people, *who)
        rows.append(SheetRow(cells=cells, style=_STYLES.get(state), notes=tuple(notes.get(result.recall_id, ()))))
    print_sheet(paper, _RECALLS, rows)


def print_history(paper: "Console", items: Sequence["Item"], *, show_header: bool = True) -> None:
    """Write outcomes of any recalls, a row a message, and under it why it was not recalled."""
    rows = []
    for item in items:
        campaign = UNTAGGED if item.campaign is None else plain(item.campaign)
        cells = (
            day_and_time(item.finished_at),
            str(item.recall_id),
            _outcome(item),
            campaign,
            _whom(item),
            plain(item.process_query_key),
        )
        why = _why(item)
        rows.append(SheetRow(cells=cells, style=_style(item), notes=(why,) if why else ()))
    # A wider screen shows more of the person, then of the key.
    spare = max(paper.width - sum(column.width or 0 for column in _HISTORY) - GAP * (len(_HISTORY) - 1), 0)
    more = {"person": min(spare // 2, 20), "key": spare - min(spare // 2, 20)}
    columns = [replace(column, width=(column.width or 0) + more.get(column.title, 0)) for column in _HISTORY]
    print_sheet(paper, columns, rows, show_header=show_header)


def _whom(item: "Item") -> str:
    """Name the first of those who got a message, and say how many more there are."""
    if not item.recipients:
        return "-"
    more = len(item.recipients) - 1
    return f"{plain(item.recipients[0])} +{more:,}" if more else plain(item.recipients[0])


def print_items(paper: "Console", items: Sequence["Item"], marks: Mapping[str, str]) -> None:
    """Write the messages of one recall, a row each; `marks` say by key what is disputed."""
    rows = [
        SheetRow(
            cells=(
                moment(item.finished_at),
                _outcome(item),
                plain(item.process_query_key),
                f"{len(item.recipients):,}",
                "; ".join(filter(None, (marks.get(item.process_query_key), _why(item)))),
            ),
            style="red" if marks.get(item.process_query_key) else _style(item),
        )
        for item in items
    ]
    print_sheet(paper, _OF_ONE_RECALL, rows)


def _outcome(item: "Item") -> str:
    return item.outcome.value if item.outcome else "waiting"


def _why(item: "Item") -> str:
    message = ": ".join(dict.fromkeys(part for part in (item.code, item.reason) if part))
    missed = [f"{why.replace('_', ' ')}: {', '.join(users)}" for why, users in item.undelivered.items() if users]
    never_got = f"never reached {'; '.join(missed)}" if missed else ""
    return plain("; ".join(part for part in (message, never_got) if part))


def _style(item: "Item") -> str | None:
    return None if item.outcome in (None, "recalled") else "yellow"
