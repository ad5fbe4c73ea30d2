"""*Now* on a screen: what needs somebody, what is being recalled, what can still be recalled; it fits the screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.core.json_value import printable
from ledger.core.recalls.pauses import without_next_step
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.screen.sheet import cut_at_end, sheet_lines
from ledger.entrypoints.cli.screen.tables import campaign_columns, campaign_row
from ledger.entrypoints.cli.screen.words import number_of, plain, span, time_of

if TYPE_CHECKING:
    from ledger.core.campaigns.campaign import CampaignLine
    from ledger.core.recalls.recall import Result
    from ledger.entrypoints.process.attention import Trouble
    from ledger.store.corrections.corrections import Correction

MOST_NOTES, MOST_RUNNING = 6, 4
BAR_CELLS = 20
# Rows that campaigns have on the lowest screen.
FEWEST_CAMPAIGNS = 3

Line = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was there at a moment."""

    at: datetime
    campaigns: "Sequence[CampaignLine]"
    running: "Sequence[Result]"
    paused: "Sequence[Result]"
    waiting: "Sequence[Result]"
    scheduled: "Sequence[Result]"
    to_review: "Sequence[Result]"
    troubles: "Sequence[Trouble]"
    corrections: "Sequence[Correction]" = ()


_TROUBLES = {
    "worker": "no worker is at work: start `ledger worker`",
    "near_deadline": "{n} that wait in paused recalls have less than {minutes} minutes left",
    "spool": "journals of the spool wait ({n}): `ledger doctor` says how much",
    "spool_fallback": "the spool could not be written; some of it is in {folders}",
    "spool_refused": "{n} rows in the spool were refused: `ledger doctor` names the file",
    "robots": "{n} messages are of robots of no app: `ledger doctor` names them",
    "quota": "{used} of this month's {limit} calls are used",
    "packing": "{source} could send with {packed_sends} calls instead of {sends}: `ledger doctor`",
    "packing_of_any": "what has no source could be sent with {packed_sends} calls instead of {sends}: `ledger doctor`",
    "clock": "this machine's clock is wrong: deadlines are off",
    "blocked": "DingTalk shut the app {app} out, for {seconds} s more",
    "purge": "messages past their 24 hours are not deleted: start `ledger worker`",
}


def now_lines(look: Look, now: datetime, *, columns: int | None, rows: int | None) -> list[Line]:
    """Return the lines of a look at some later moment, which fit a screen; without one, all of them."""
    notes = list(_notes(look, now))
    lines = [*_part("needs somebody", notes, MOST_NOTES if rows else None)]
    lines += _part(
        "running", [line for one in look.running for line in _running(one)], 2 * MOST_RUNNING if rows else None
    )
    lines += _part("to come", list(_to_come(look, now)), MOST_NOTES if rows else None)
    room = None if rows is None else max(rows - len(lines), FEWEST_CAMPAIGNS + 2)
    lines += _campaigns(look, now, columns, room)
    return [(text if columns is None else cut_at_end(printable(text), columns), style) for text, style in lines]


def _part(title: str, lines: Sequence[Line], most: int | None) -> Iterator[Line]:
    if not lines:
        return
    yield title, "bold"
    yield from lines[:most]
    if most is not None and len(lines) > most:
        yield f"  and {len(lines) - most:,} lines more", "dim"
    yield "", None


def _notes(look: Look, now: datetime) -> Iterator[Line]:
    for one in look.paused:
        why = plain(without_next_step((one.error or {}).get("message", "somebody paused it")))
        waiting = number_of(one.pending, "message waits", "messages wait")
        yield f"  recall {one.recall_id} is paused, {waiting}: `ledger resume {one.recall_id}`: {why}", "bold red"
    for one in look.waiting:
        who = plain(one.approval.requested_by if one.approval is not None else None)
        yield (
            f"  recall {one.recall_id} waits for a second person: `ledger approve {one.recall_id}`; {who} asked",
            "yellow",
        )
    for one in look.to_review:
        yield f"  recall {one.recall_id} ran without its second person: `ledger review {one.recall_id}`", "bold red"
    for correction in look.corrections:
        number, what = correction.recall_id, f"the correction of recall {correction.recall_id}"
        if correction.status is Status.PLANNED:
            yield f"  {what} waits for a second person: `ledger approve {number}`", "yellow"
        else:
            yield f"  {what} is paused: `ledger correct {number}` says why", "bold red"
    for trouble in look.troubles:
        values = dict(trouble.values)
        if "seconds" in values:
            values["seconds"] = max(int(values["seconds"] - (now - look.at).total_seconds()), 0)
        yield f"  {_TROUBLES[trouble.name].format_map(values)}", "bold red" if trouble.is_bad else "yellow"


def _to_come(look: Look, now: datetime) -> Iterator[Line]:
    """Say what starts by itself, and what is not sent any more: nobody has to do anything about either."""
    for one in look.scheduled:
        at, messages = time_of(one.scheduled_at, now), number_of(one.eligible, "message")
        yield f"  recall {one.recall_id} starts {at}, {messages}: {plain(one.reason)} ({plain(one.actor)})", None
    for line in look.campaigns:
        if line.sending_stopped_by is not None:
            name, by = plain(line.campaign), plain(line.sending_stopped_by)
            yield f"  nothing more of {name} is sent: {by} stopped it, `ledger allow` lets it go on", None


def _running(one: "Result") -> Iterator[Line]:
    done = one.eligible - one.pending
    filled = BAR_CELLS * done // one.eligible if one.eligible else BAR_CELLS
    failed = f", {done - one.recalled:,} not recalled" if done > one.recalled else ""
    yield f"  recall {one.recall_id}: {plain(one.reason)} ({plain(one.actor)})", None
    yield f"    {'█' * filled}{'░' * (BAR_CELLS - filled)} {done:,} of {one.eligible:,} done{failed}", "green"


def _campaigns(look: Look, now: datetime, columns: int | None, rows: int | None) -> Iterator[Line]:
    still = [one for one in look.campaigns if one.first_deadline is not None and one.first_deadline > now]
    if not still:
        yield "nothing can be recalled at present", "dim"
        return
    total = number_of(sum(one.recallable for one in still), "message")
    first = min(one.first_deadline for one in still if one.first_deadline is not None)
    yield f"{total} can be recalled, the first for {span((first - now).total_seconds())}", "bold"
    # One line is the header's, one is that of what there is no room for.
    most = len(still) if rows is None or len(still) <= rows - 2 else max(rows - 3, 1)
    yield from sheet_lines(campaign_columns(now), [campaign_row(one, now) for one in still[:most]], columns)
    if len(still) > most:
        yield f"and {len(still) - most:,} more: `ledger campaigns`", "dim"
