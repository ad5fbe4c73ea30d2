"""*Now* on a screen: what needs somebody, what is being recalled, what can still be recalled; it fits the screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ledger.core.json_value import printable
from ledger.core.recalls.pauses import without_next_step
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.screen.decision import decided_of
from ledger.entrypoints.cli.screen.sheet import cut_at_end, sheet_lines
from ledger.entrypoints.cli.screen.tables import campaign_columns, campaign_row
from ledger.entrypoints.cli.screen.words import number_of, plain, span, time_of

if TYPE_CHECKING:
    from ledger.core.campaigns.campaign import CampaignLine
    from ledger.entrypoints.process.attention import Trouble
    from ledger.services.reports.recall_lines import RecallLine
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
    running: "Sequence[RecallLine]"
    paused: "Sequence[RecallLine]"
    waiting: "Sequence[RecallLine]"
    scheduled: "Sequence[RecallLine]"
    to_review: "Sequence[RecallLine]"
    troubles: "Sequence[Trouble]"
    corrections: "Sequence[Correction]" = ()
    stale: "Sequence[RecallLine]" = ()


_TROUBLES = {
    "worker": "no worker is at work: start `ledger worker`",
    "near_deadline": "{n} that wait in paused recalls have less than {minutes} minutes left",
    "spool": "`ledger doctor` says how much waits in the spool; journals: {n:,}",
    "spool_fallback": "the spool could not be written; some of it is in {folders}",
    "spool_refused": "`ledger doctor` names the file of refused rows in the spool: {n:,}",
    "robots": "`ledger doctor` names robots of no app; messages of theirs: {n:,}",
    "quota": "{used:,} of this month's {limit:,} calls are used",
    "packing": "{source} could send with {packed_sends:,} calls instead of {sends:,}: `ledger doctor`",
    "packing_of_any": "without a source: {packed_sends:,} calls could send what took {sends:,}: `ledger doctor`",
    "notices": "`ledger notify places` says why notices do not arrive: {places}",
    "clock": "this machine's clock is wrong: deadlines are off",
    "blocked": "DingTalk shut the app {app} out, for {seconds} s more",
    "purge": "messages past their 24 hours are not deleted: start `ledger worker`",
}
# What nobody has to see to tonight.
_ADVICE = ("packing", "packing_of_any")


def now_lines(look: Look, now: datetime, *, columns: int | None, rows: int | None) -> list[Line]:
    """Return the lines of a look at some later moment, which fit a screen; without one, all of them."""
    notes = list(_notes(look, now))
    lines = [*_part("needs somebody", notes, MOST_NOTES if rows else None)]
    lines += _part(
        "running", [line for one in look.running for line in _running(one)], 2 * MOST_RUNNING if rows else None
    )
    lines += _part("to know", list(_to_know(look, now)), MOST_NOTES if rows else None)
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
    """Say what to type, and about what: on a narrow screen the end of a line goes, and never the command."""
    for line in look.paused:
        error = line.result.error or {}
        why = plain(without_next_step(error.get("message", "somebody paused it")))
        why += f" ({plain(error['by'])})" if "by" in error else ""
        waiting = number_of(line.result.pending, "waits", "wait")
        yield f"  `ledger resume {line.result.recall_id}`: {decided_of(line)}, {waiting}: {why}", "bold red"
    for line in look.waiting:
        asked = line.result.approval
        who = plain(asked.requested_by if asked is not None else None)
        yield f"  `ledger approve {line.result.recall_id}`: {decided_of(line)}; {who} asked", "yellow"
    for line in look.stale:
        asked = line.result.approval
        who = plain(asked.requested_by if asked is not None else None)
        yield (
            f"  plan recall {line.result.recall_id} again, which cannot run any more: {decided_of(line)}; {who} asked",
            "yellow",
        )
    for line in look.to_review:
        yield (
            f"  `ledger review {line.result.recall_id}`: ran without its second person, {decided_of(line)}",
            "bold red",
        )
    for correction in look.corrections:
        number, what = correction.recall_id, f"the correction of recall {correction.recall_id}"
        if correction.status is Status.PLANNED:
            yield f"  `ledger approve {number}`: {what} waits for a second person", "yellow"
        else:
            yield f"  `ledger correct {number}` says why {what} is paused", "bold red"
    for trouble in look.troubles:
        if trouble.name in _ADVICE:
            continue
        yield f"  {_said(trouble, now - look.at)}", "bold red" if trouble.is_bad else "yellow"


def _said(trouble: "Trouble", since: timedelta) -> str:
    """Say what is wrong, so long after it was looked at."""
    values = dict(trouble.values)
    if "seconds" in values:
        values["seconds"] = max(int(values["seconds"] - since.total_seconds()), 0)
    which = f": recall {', '.join(map(str, trouble.recalls))}" if trouble.recalls else ""
    return f"{_TROUBLES[trouble.name].format_map(values)}{which}"


def _to_know(look: Look, now: datetime) -> Iterator[Line]:
    """Say what starts by itself, what is not sent any more, and advice: nobody has to do anything about these now."""
    for line in look.scheduled:
        one = line.result
        asked = one.approval is not None and one.approval.is_waiting
        at = f"{time_of(one.scheduled_at, now)}{', only if somebody agrees before' if asked else ''}"
        yield (
            f"  recall {one.recall_id} starts {at}: {decided_of(line)}: {plain(one.reason)} ({plain(one.actor)})",
            None,
        )
    for campaign in look.campaigns:
        if campaign.sending_stopped_by is not None:
            name, by = plain(campaign.campaign), plain(campaign.sending_stopped_by)
            yield f"  `ledger allow` lets {name} be sent again: {by} stopped it", None
    for trouble in look.troubles:
        if trouble.name in _ADVICE:
            yield f"  {_said(trouble, now - look.at)}", None


def _running(line: "RecallLine") -> Iterator[Line]:
    one = line.result
    done = one.eligible - one.pending
    filled = BAR_CELLS * done // one.eligible if one.eligible else BAR_CELLS
    failed = f", {done - one.recalled:,} not recalled" if done > one.recalled else ""
    yield f"  recall {one.recall_id}: {decided_of(line)}: {plain(one.reason)} ({plain(one.actor)})", None
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
