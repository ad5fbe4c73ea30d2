"""Plans in plain words: what a recall would do, and why it can do nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ledger.core.campaigns.look_alikes import Likeness
from ledger.core.named import untaken
from ledger.entrypoints.cli.screen.costs import cost_facts, quota_facts, stop_facts
from ledger.entrypoints.cli.screen.decision import decision_of
from ledger.entrypoints.cli.screen.facts import Fact, print_facts
from ledger.entrypoints.cli.screen.tables import UNTAGGED
from ledger.entrypoints.cli.screen.words import deadline_and_left, is_are, moment, number_of, plain, time_of

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.recalls.recall import Plan

MOST_ROBOTS = 3
MOST_UNTOUCHED = 5
_DIFFERS_IN = {
    Likeness.CASE: "in upper or lower case",
    Likeness.WIDTH: "in wide or narrow letters",
    Likeness.LETTERS: "in letters that look the same",
    Likeness.SPELLING: "spelt nearly the same",
}


def show_plan(
    paper: "Console",
    plan: "Plan",
    *,
    selection: Mapping[str, Any],
    reason: str,
    now: datetime,
    until: datetime | None = None,
    beside: Sequence[int] = (),
) -> None:
    """Write a plan for people, its decision first.

    `until` is when it stops to take what arrives late, `beside` what its run carries on.
    """
    decided = decision_of(plan, selection)
    paper.print(f"{decided[0].upper()}{decided[1:]}", style="bold")
    facts = [Fact("plan", f"{plan.recall_id}"), Fact("reason", plain(reason))]
    facts += [
        *_campaigns(plan, selection),
        *_people(plan),
        *_left_out(plan),
        *_cost(plan),
        *_robots(plan),
        *_deadlines(plan, now),
    ]
    if until is not None:
        facts.append(Fact("sticky", f"until {moment(until)}"))
        facts.append(Fact("", "`ledger worker` must run", (": it recalls what arrives late",)))
    if beside:
        facts += [Fact("goes along", recalls_in_words(beside), (", running already", ": nearer deadlines go first"))]
    for said in plan.excerpts:
        facts.append(Fact("says", f"“{said.excerpt}”", (f" ({number_of(said.messages, 'message')})",)))
    for one in plan.look_alikes:
        fact = Fact("NOT THIS ONE", plain(one.campaign), (f": another campaign, {_DIFFERS_IN[one.differs_in]}",))
        facts.append(replace(fact, style="yellow"))
    for pair in plan.like_pairs:
        label = "BOTH OF THEM"
        for name in pair.campaigns:
            facts.append(Fact(label, plain(name), style="yellow"))
            label = ""
        facts.append(Fact("", f"differ only {_DIFFERS_IN[pair.differs_in]}", style="yellow"))
    facts += _waiting_beside(plan, now)
    facts += stop_facts(paper, plan.stops)
    if plan.eligible:
        facts += quota_facts(plan.quota, "recall")
    print_facts(paper, facts)


def _waiting_beside(plan: "Plan", now: datetime) -> Iterator[Fact]:
    """Say which recalls of the same messages wait already: who sees that need not do it twice."""
    for one in plan.also_waiting:
        at = "" if one.scheduled_at is None else f"is set for {time_of(one.scheduled_at, now)}"
        second = "waits for a second person" if one.waits_for_approval else ""
        state = " and ".join(filter(None, (at, second)))
        fact = Fact("WAITS ALREADY", f"recall {one.recall_id} {state}", (f", of {one.messages:,} of these messages",))
        yield replace(fact, style="yellow")


def finds_any(plan: "Plan") -> bool:
    """Say whether a plan found any message, recallable or not."""
    left_out = (plan.expired, plan.already_recalled, plan.in_progress, plan.shared_skipped, plan.unconfigured)
    return bool(plan.eligible or plan.recalled_elsewhere or any(left_out))


def why_nothing(plan: "Plan") -> str:
    """Say why nothing of a selection can be recalled, and what can be done about it."""
    reasons = []
    if plan.expired:
        reasons.append(f"{number_of(plan.expired, 'message')} {is_are(plan.expired)} expired (past the 24 hours)")
    if plan.already_recalled:
        reasons.append(
            f"{number_of(plan.already_recalled, 'message')} {is_are(plan.already_recalled)} recalled already"
        )
    if plan.recalled_elsewhere:
        reasons.append(
            f"{number_of(plan.recalled_elsewhere, 'message')} {is_are(plan.recalled_elsewhere)} recalled by other "
            "hands (--include-elsewhere takes them back nevertheless)"
        )
    if plan.in_progress:
        reasons.append(f"{number_of(plan.in_progress, 'message')} {is_are(plan.in_progress)} in {_holders(plan)}")
    if plan.shared_skipped:
        reasons.append(
            f"{number_of(plan.shared_skipped, 'message')} reached other people too "
            "(--include-shared takes them back from those as well)"
        )
    if plan.unconfigured:
        verb = "belongs" if plan.unconfigured == 1 else "belong"
        reasons.append(
            f"{number_of(plan.unconfigured, 'message')} {verb} to a robot of no app ({_strangers(plan)}): "
            "add it to `robots` of [apps.NAME] in the file of LEDGER_CONFIG"
        )
    if not reasons:
        return "nothing to recall: the ledger holds no message that fits; `ledger campaigns` lists what it holds"
    return f"nothing can be recalled: {', '.join(reasons)}"


def _people(plan: "Plan") -> Iterator[Fact]:
    others = number_of(plan.other_recipients, "other person", "other people")
    if plan.shared_skipped:
        yield Fact("spared", others, (f", who got {number_of(plan.shared_skipped, 'message')} too",))
        yield Fact("", "--include-shared takes these from everybody")
    elif plan.other_recipients:
        yield Fact("others too", f"{others} lose it as well", (", whom nobody asked for",))


def _left_out(plan: "Plan") -> Iterator[Fact]:
    parts = [
        (plan.expired, "expired"),
        (plan.already_recalled, "recalled already"),
        (plan.recalled_elsewhere, "recalled by other hands"),
        (plan.in_progress, f"in {_holders(plan)}"),
        (plan.shared_skipped, "shared with others"),
    ]
    label = "left out"
    for count, why in parts:
        if count:
            yield Fact(label, f"{count:,} {why}")
            label = ""
    if plan.unconfigured:
        yield Fact("NO APP", f"{plan.unconfigured:,} of a robot of no app", (f" ({_strangers(plan)})",))
        yield Fact("", "configure it or leave it out")
    if plan.unrecorded_keys:
        keys = number_of(plan.unrecorded_keys, "key")
        yield Fact("NOT KNOWN", f"{keys} of those named", (": the ledger has no message of them",))


def _strangers(plan: "Plan") -> str:
    """Name the robots that no app is configured for, the first few of many."""
    names = [plain(robot) for robot in list(plan.unconfigured_robots)[:MOST_ROBOTS]]
    more = len(plan.unconfigured_robots) - len(names)
    return ", ".join([*names, *([f"{more} more"] if more else [])])


def _holders(plan: "Plan") -> str:
    """Name the recalls that are at messages of a plan: `recall 3`, `recalls 3, 5`."""
    if not plan.held_by:
        return "another recall"
    return recalls_in_words(plan.held_by)


def recalls_in_words(numbers: Sequence[int]) -> str:
    """Write `recall 3`, `recalls 3, 5`."""
    return f"recall{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _cost(plan: "Plan") -> Iterator[Fact]:
    if not plan.eligible:
        return
    yield from cost_facts(plan.calls, plan.estimated_seconds, plan.quota)
    if plan.will_expire_first:
        yield Fact("too late", f"{number_of(plan.will_expire_first, 'message')}", (" will expire before their turn",))


def _campaigns(plan: "Plan", selection: Mapping[str, Any]) -> Iterator[Fact]:
    """Name each of several campaigns in a line of its own: what a beginning stood for is seen before it is recalled."""
    several = plan.by_campaign if plan.by_campaign is not None and len(plan.by_campaign) > 1 else ()
    untouched = untaken(selection, plan.taken) if plan.eligible else ()
    for place, one in enumerate(several):
        name = UNTAGGED if one.campaign is None else plain(one.campaign)
        yield Fact("" if place else "campaigns", name, (f": {number_of(one.messages, 'message')}",))
    for place, untaken_name in enumerate(untouched[:MOST_UNTOUCHED]):
        yield Fact("" if place else "nothing of", plain(untaken_name))
    if (more := len(untouched) - MOST_UNTOUCHED) > 0:
        yield Fact("", f"{more:,} more")


def _robots(plan: "Plan") -> Iterator[Fact]:
    if len(plan.robots) > 1:
        named = [f"{plain(robot)} {count:,}" for robot, count in plan.robots.items()]
        yield Fact("robots", f"{len(named):,}: {', '.join(named)}")


def _deadlines(plan: "Plan", now: datetime) -> Iterator[Fact]:
    if plan.first_deadline is None:
        return
    yield Fact("first deadline", deadline_and_left(plan.first_deadline, now))
    if plan.last_deadline != plan.first_deadline:
        yield Fact("last deadline", deadline_and_left(plan.last_deadline, now))
