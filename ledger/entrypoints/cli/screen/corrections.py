"""Corrections in plain words: who would get one, what they will see, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ledger.core.corrections.correction_text import CorrectionText, preview_of
from ledger.core.json_value import printable_lines
from ledger.core.recalls.pause_texts import Cause, cause_of
from ledger.core.recalls.recall import Status
from ledger.entrypoints.cli.screen.costs import cost_facts, quota_facts, stop_facts
from ledger.entrypoints.cli.screen.decision import correction_decision
from ledger.entrypoints.cli.screen.facts import Fact, print_facts
from ledger.entrypoints.cli.screen.sentences import sentence
from ledger.entrypoints.cli.screen.words import moment, number_of, plain

if TYPE_CHECKING:
    from rich.console import Console

    from ledger.core.corrections.correction import CorrectionPlan, CorrectionResult
    from ledger.core.corrections.correction_text import Preview

INDENT = 4
MOST_REFUSALS = 5
WHY_NOT = {
    "still_have": "still have a message",
    "unknown": "may still have it",
    "never_reached": "never got it",
    "erased": "are erased",
    "corrected": "have a correction",
    "maybe_corrected": "may have one",
}
NOT_REACHED = {"invalid": "not known", "flow_controlled": "written to too often", "filtered": "filtered"}
_BY_HAND = {
    "group": "in groups: write there by hand",
    "private": "between two people: by hand",
    "nobody_named": "to nobody known here",
}
# What can be done about who was left out, the first that fits.
_NEXT = {
    "still_have": ("ledger retry {0}", ": asks again", " for what was not recalled"),
    "unknown": ("ledger show {0} --verify", ": asks what became of it"),
}


def show_correction_plan(paper: "Console", plan: "CorrectionPlan", reason: str) -> None:
    """Write a plan for people: the decision, who does not get it, what it costs, and what people will see."""
    decided = correction_decision(plan)
    paper.print(f"{decided[0].upper()}{decided[1:]}", style="bold")
    facts = [Fact("plan", f"{plan.correction_id}", (f", of recall {plan.recall_id}",)), Fact("reason", plain(reason))]
    facts += _left_out(plan)
    if plan.people:
        facts += cost_facts(plan.calls, plan.estimated_seconds, plan.quota)
    facts.append(Fact("recorded as", plain(plan.campaign)))
    facts += stop_facts(paper, plan.stops)
    if plan.people:
        facts += quota_facts(plan.quota, "correction")
    print_facts(paper, facts)
    show_preview(paper, plan.preview, plan.msg_key)


def show_preview(paper: "Console", preview: "Preview", msg_key: str, *, known: str = "People will see") -> None:
    """Write what people will see, whole; of a template that is not known here, what it is filled with."""
    what = known if preview.is_known else "What DingTalk is given, for a template that is not known here"
    paper.print(f"{what} ({plain(msg_key)}):", style="bold")
    title = [preview.title] if preview.title else []
    links = [f"[{title}] {address}" for title, address in preview.links]
    for text in (*title, preview.text, *links):
        _print_indented(paper, text)


def _print_indented(paper: "Console", text: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for line in printable_lines(text).split("\n"):
        if paper.is_terminal:
            paper.print(Padding(Text(line, overflow="fold"), (0, 0, 0, INDENT)))
        else:
            paper.print(" " * INDENT + line, soft_wrap=True)


def _left_out(plan: "CorrectionPlan") -> Iterator[Fact]:
    label = "left out"
    for why, count in plan.skipped_by_reason.items():
        yield Fact(label, f"{count:,} {WHY_NOT[why]}")
        label = ""
    step = next((text for why, text in _NEXT.items() if why in plan.skipped_by_reason), None)
    if step is not None:
        yield Fact("", step[0].format(plan.recall_id), step[1:])
    label = "by hand"
    for kind, count in plan.by_hand.items():
        yield Fact(label, f"{number_of(count, 'message')} {_BY_HAND[kind]}")
        label = ""
    if plan.earlier:
        yield Fact(
            "before", f"{number_of(len(plan.earlier), 'correction')} of it", (f": `ledger correct {plan.recall_id}`",)
        )


def why_nobody(plan: "CorrectionPlan") -> str:
    """Say why nobody of a recall gets a correction."""
    reasons = [f"{count:,} {WHY_NOT[why]}" for why, count in plan.skipped_by_reason.items()]
    reasons += [f"{number_of(count, 'message')} {_BY_HAND[kind]}" for kind, count in plan.by_hand.items()]
    return f"nobody gets a correction of recall {plan.recall_id}: {', '.join(reasons) or 'it took nothing back'}"


def show_correction(paper: "Console", result: "CorrectionResult") -> None:
    """Write how a correction stands: whom it reached, whom not and why, the next step."""
    style = "bold green" if result.is_complete else "bold yellow"
    paper.print(headline(result), style=style)
    for line in _details(result):
        sentence(paper, line, lead="  ")
    for command, what in next_steps(result):
        sentence(paper, what, lead=f"  {command:<18}  ")


def show_corrections(paper: "Console", results: "Sequence[CorrectionResult]", recall_id: int) -> None:
    """Write all corrections of a recall, with what they say: whoever is asked to agree has to see it."""
    if not results:
        paper.print(f"Recall {recall_id} was not corrected.")
    for one in results:
        show_correction(paper, one)
        text = CorrectionText(msg_key=one.msg_key, msg_param=one.msg_param)
        show_preview(paper, preview_of(text), one.msg_key, known="It says")


def headline(result: "CorrectionResult") -> str:
    """Say in one sentence how a correction stands."""
    parts = [f"{result.sent:,} of {number_of(result.people, 'person', 'people')} got it"]
    others = (
        ("unknown", result.unknown),
        ("not reached", result.not_reached),
        ("refused", result.refused),
        ("cancelled", result.cancelled),
        ("waiting", result.pending),
    )
    parts += [f"{count:,} {name}" for name, count in others if count]
    return f"The correction of recall {result.recall_id} {_state(result)}: {', '.join(parts)}"


def _state(result: "CorrectionResult") -> str:
    if result.status is Status.PLANNED:
        return "waits for a second person"
    if result.approval is not None and result.approval.refused_by is not None:
        return "was not agreed to"
    return {Status.RUNNING: "is running", Status.PAUSED: "is paused", Status.FINISHED: "has finished"}.get(
        result.status, "is cancelled"
    )


def _details(result: "CorrectionResult") -> Iterator[str]:
    if result.started_at is not None:
        by = f"{plain(result.actor)}, {moment(result.started_at)}"
        yield f"{number_of(result.calls, 'call')}, recorded as {plain(result.campaign)} ({by})"
    if result.error is not None and result.status is Status.PAUSED:
        yield result.error["message"]
    if result.unknown:
        yield "of the unknown, no answer came: they may have it, and are not written to again"
    if result.not_reached_by_reason:
        yield f"not reached: {in_words(result.not_reached_by_reason, NOT_REACHED)}"
    for one in result.refusals[:MOST_REFUSALS]:
        yield f"{one.people:,} refused: {': '.join(plain(said) for said in (one.code, one.reason) if said)}"
    if more := sum(one.people for one in result.refusals[MOST_REFUSALS:]):
        yield f"{more:,} refused for other reasons: --json has each"
    if result.approval is not None and result.approval.refused_by is not None:
        yield f"{plain(result.approval.refused_by)} did not agree: {plain(result.approval.refusal)}"


def in_words(counts: "Mapping[str, int]", words: "Mapping[str, str]") -> str:
    """Write counts by reason: `3 filtered, 1 not known`."""
    return ", ".join(f"{count:,} {words[why]}" for why, count in counts.items())


def next_steps(result: "CorrectionResult") -> Iterator[tuple[str, str]]:
    """Yield what can be typed next, with what it does."""
    number = result.recall_id
    if result.status is Status.PLANNED:
        yield f"ledger approve {number}", "another person agrees, and it is sent"
        yield f'ledger refuse {number} --reason "..."', "another person does not agree"
    if result.status in (Status.PAUSED, Status.RUNNING):
        # What DingTalk does not take, it does not take the next time either.
        if cause_of(result.error or {}) is not Cause.TEXT_REFUSED:
            yield f"ledger resume {number}", "goes on with who has none yet"
        yield f"ledger cancel {number}", "sends it to nobody else"
