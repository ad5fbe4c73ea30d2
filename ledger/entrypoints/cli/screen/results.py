"""Results in plain words: how a recall stands, why some messages were not recalled, and what to type next."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.core.recalls.pauses import without_next_step
from ledger.core.recalls.recall import RETRYABLE, Outcome, Status
from ledger.core.recalls.recall_state import RecallState, state_of
from ledger.entrypoints.cli.screen.people import people_in_words
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.sticky import is_sticky, late_in_words
from ledger.entrypoints.cli.screen.words import moment, number_of, plain, span

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.persons.reached_people import PeopleCount
    from ledger.core.recalls.recall import Item, Result

SHOWN_REASONS = 10


def show_result(
    paper: "Console",
    result: "Result",
    items: Sequence["Item"],
    *,
    now: datetime,
    planned_calls: int | None = None,
    people: "PeopleCount | None" = None,
    shows_more: bool = False,
) -> None:
    """Write a result for people: counts, reasons together, the next step; `items` may be empty when all went well.

    With `shows_more`, the rest of the recall stands below it: nobody is sent to where they are.
    """
    style = "bold green" if result.is_complete else "bold yellow"
    sentence(paper, headline(result, now), style=style)
    _print_people(paper, result, people)
    if result.calls:
        sentence(paper, _spent(result, planned_calls), lead="  ")
    if result.error is not None and result.status is not Status.CANCELLED:
        sentence(paper, without_next_step(result.error["message"]), lead="  ")
    if result.answers_until is not None and result.status is Status.CANCELLED:
        asked = number_of(result.in_flight, "message")
        until = moment(result.answers_until)
        sentence(paper, f"{asked} had been asked: an answer is awaited until {until} at the latest", lead="  ")
    _print_second(paper, result)
    if result.beside:
        sentence(paper, beside_in_words(result), lead="  ")
    for line in _reasons(items):
        sentence(paper, line, lead="  ")
    for line in _what_arrives(result, now):
        sentence(paper, line, lead="  ")
    for command, what in next_steps(result, now):
        if not (shows_more and command == show_command(result)):
            sentence(paper, what, lead=f"  {command:<18}  ")


def _print_people(paper: "Console", result: "Result", people: "PeopleCount | None") -> None:
    message = people_in_words(people) if people is not None and result.status is not Status.PLANNED else None
    if message is not None:
        sentence(paper, message, lead="  ")


def _print_second(paper: "Console", result: "Result") -> None:
    if result.approval is not None and result.approval.refused_by is not None:
        who, why = plain(result.approval.refused_by), plain(result.approval.refusal)
        sentence(paper, f"{who} did not agree: {why}", lead="  ")
    if result.overtaken_by is not None:
        sentence(paper, overtaken_in_words(result), lead="  ")
    style = "bold red" if result.break_glass and result.break_glass.is_open else None
    for line in _without_second(result):
        sentence(paper, line, lead="  ", style=style)


def headline(result: "Result", now: datetime) -> str:
    """Say in one sentence how a recall stands."""
    message = f"Recall {result.recall_id} {_state(result, now)}: {result.recalled:,} of {result.eligible:,} recalled"
    others = [(outcome.value, getattr(result, outcome.value)) for outcome in Outcome if outcome != Outcome.RECALLED]
    parts = [f"{count:,} {name}" for name, count in (*others, ("waiting", result.pending)) if count]
    return ", ".join([message, *parts])


def beside_in_words(result: "Result") -> str:
    """Say of which other recalls the same run made calls."""
    numbers = ", ".join(map(str, result.beside))
    if len(result.beside) == 1:
        return f"beside it, calls were made of recall {numbers}, which was running: `ledger show {numbers}`"
    return f"beside it, calls were made of recalls {numbers}, which were running: `ledger recalls`"


def overtaken_in_words(result: "Result") -> str:
    """Say who took messages of a plan that waits, and what that means for it."""
    taken = f"recall {result.overtaken_by} has taken some of its messages meanwhile"
    return f"{taken}: they are left out" if result.is_scheduled else f"{taken}: plan it again"


def next_steps(result: "Result", now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what can be typed next, with what it does."""
    number = result.recall_id
    if waits_for_approval(result, now):
        yield f"ledger approve {number}", "another person agrees, and it runs"
        yield f'ledger refuse {number} --reason "..."', "another person does not agree"
    if state_of(result, now) is RecallState.STALE:
        yield "ledger recall", "plans it again, and asks anew"
        yield f"ledger cancel {number}", "drops what cannot run any more"
    if result.is_scheduled:
        only = ", if somebody has agreed" if waits_for_approval(result, now) else ""
        yield "ledger worker", f"must run by then: it starts the recall{only}"
        yield f"ledger cancel {number}", "ends that"
    if result.break_glass is not None and result.break_glass.is_open:
        yield f'ledger review {number} --reason "..."', "another person says what to make of it"
    if result.status in (Status.PAUSED, Status.RUNNING):
        yield f"ledger resume {number}", "goes on with what waits"
        yield f"ledger cancel {number}", "stops it for good"
    again = sum(getattr(result, outcome.value) for outcome in RETRYABLE)
    if again and result.status in (Status.FINISHED, Status.CANCELLED):
        yield f"ledger retry {number}", f"asks again for {number_of(again, 'message')} while the deadline lasts"
    if is_sticky(result, now):
        yield "ledger worker", "must run: it recalls what arrives late"
        yield f"ledger unstick {number}", "leaves alone what arrives late"
    if result.status is Status.FINISHED and result.recalled:
        yield f"ledger correct {number}", "sends the right one to who lost it"
    if result.status is not Status.PLANNED:
        yield show_command(result), "shows every message and every call"


def show_command(result: "Result") -> str:
    """Return the command that shows a recall whole."""
    return f"ledger show {result.recall_id}"


def is_asked_for(result: "Result", now: datetime) -> bool:
    """Say whether somebody asked a second person for a plan whose time is not over, be it past help or not."""
    return result.status is Status.PLANNED and result.approval is not None and result.approval.is_open(now)


def waits_for_approval(result: "Result", now: datetime) -> bool:
    """Say whether a second person can still let a plan run."""
    return state_of(result, now) is RecallState.TO_APPROVE


def _state(result: "Result", now: datetime) -> str:
    if waits_for_approval(result, now):
        at = f", and is set for {moment(result.scheduled_at)}" if result.is_scheduled else ""
        return f"waits for a second person{at}"
    if result.is_scheduled:
        return f"waits until {moment(result.scheduled_at)}"
    if state_of(result, now) is RecallState.STALE:
        return "cannot run any more"
    return {
        Status.PLANNED: "is planned",
        Status.RUNNING: "is running",
        Status.PAUSED: "is paused",
        Status.FINISHED: "has finished",
        Status.CANCELLED: "is cancelled",
    }[result.status]


def _without_second(result: "Result") -> Iterator[str]:
    """Say who started it without a second person, and what another one made of that."""
    broken = result.break_glass
    if broken is None:
        return
    who, why = plain(broken.broken_by), plain(broken.reason)
    yield f"{who} broke the glass {moment(broken.broken_at)}, nobody else had agreed: {why}"
    if broken.reviewed_by is None:
        yield "nobody has reviewed that yet"
    else:
        yield f"{plain(broken.reviewed_by)} reviewed it {moment(broken.reviewed_at)}: {plain(broken.review)}"


def _spent(result: "Result", planned_calls: int | None) -> str:
    """Say how many calls it took, and how few would have done, when that is not the same."""
    spent = f"{number_of(result.calls, 'call')} in {_lasted(result)}"
    if planned_calls and planned_calls < result.calls:
        return f"{spent} ({planned_calls:,} would have been enough without trouble)"
    return spent


def _lasted(result: "Result") -> str:
    """Say how long it was worked at, and since when it began where pauses and waits made that longer."""
    work = result.working_seconds
    if work is None or result.elapsed_seconds - work < 1:
        return span(result.elapsed_seconds)
    return f"{span(work)} of work, {span(result.elapsed_seconds)} from its start"


def _what_arrives(result: "Result", now: datetime) -> Iterator[str]:
    if result.status is Status.CANCELLED:
        return
    if result.sticky_until is not None and is_sticky(result, now):
        yield f"sticky until {moment(result.sticky_until)}"
    late = late_in_words(result, now)
    if late is not None:
        yield late


def _reasons(items: Sequence["Item"]) -> Iterator[str]:
    """Yield what went wrong, the same reasons together, the most frequent first."""
    groups = Counter(
        (item.outcome.value, item.code, item.reason)
        for item in items
        if item.outcome is not None and item.outcome != Outcome.RECALLED
    )
    for (outcome, code, reason), count in groups.most_common(SHOWN_REASONS):
        message = ": ".join(dict.fromkeys(part for part in (code, reason) if part))
        yield f"{count:,} {outcome}: {plain(message)}"
    if len(groups) > SHOWN_REASONS:
        yield f"and {len(groups) - SHOWN_REASONS:,} more reasons"
