"""One recall on one sheet, for people: from its plan to its last outcome, in an auditor's words, to be printed."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ledger.clock import parse_time
from ledger.core.audit.checkpoint import Checkpoint
from ledger.core.json_value import printable
from ledger.core.recalls.recall import Outcome

if TYPE_CHECKING:
    from ledger.core.audit.disputes import Dispute, Disputes
    from ledger.core.persons.reached_people import PeopleCount
    from ledger.core.recalls.approval import Approval, BreakGlass
    from ledger.services.audit.evidence import LeftBefore
    from ledger.services.reports.recalls import RecallReport
    from ledger.store.recalls.items import Reason

LANGUAGES = {"en": "en", "zh": "zh-CN"}
MOST_NAMED = 20
MOST_REASONS = 30
MOST_DISPUTES = 50
_LEFT_OUT = ("expired", "already_recalled", "in_progress", "shared_skipped", "unconfigured", "recalled_elsewhere")

Words = Mapping[str, Mapping[str, str]]


def page_of(
    language: str,
    report: "RecallReport",
    reasons: "Sequence[Reason]",
    checkpoint: Checkpoint,
    *,
    entries: int,
    actor: str,
    left: "LeftBefore | None" = None,
) -> str:
    """Return the page of a recall in one language; `entries` of the history belong to it."""
    words, result = _words(language), report.result
    word = words["page"]
    proof = word["proof_signed" if checkpoint.signature else "proof_unsigned"]
    return (
        _environment()
        .get_template("recall.html")
        .render(
            language=LANGUAGES[language],
            word=word,
            title=word["title"].format(number=result.recall_id),
            made=word["made"].format(at=_moment(checkpoint.at), actor=actor),
            asked=list(_asked(words, report)),
            disputed=_disputed(words, report.disputes),
            plan=list(_plan(word, report.plan)),
            approval=[*_approval(word, result.approval, result.break_glass), *_break_glass(word, result.break_glass)],
            timeline=[_line(words, one) for one in report.timeline],
            calls=word["made_call" if result.calls == 1 else "made_calls"].format(count=f"{result.calls:,}"),
            outcomes=list(_outcomes(words, report)),
            people=_people(word, report.people),
            reasons=[
                (f"{one.count:,}", words["outcome"][one.outcome], one.code or "", printable(one.reason or ""))
                for one in reasons
            ],
            proof=proof.format(
                count=f"{entries:,}", entries=f"{checkpoint.entries:,}", key=checkpoint.key, at=_moment(checkpoint.at)
            ),
            is_signed=bool(checkpoint.signature),
            left=None if left is None else word["left"].format(entries=f"{left.entries:,}", before=left.before),
            root=checkpoint.root,
            head=checkpoint.head,
        )
    )


def _asked(words: Words, report: "RecallReport") -> Iterator[tuple[str, str]]:
    word, result = words["page"], report.result
    yield word["reason"], printable(result.reason)
    yield word["planned_by"], printable(result.actor)
    yield word["at"], _moment(result.planned_at)
    yield word["selection"], "; ".join(_part(words, *part) for part in report.selection.items())
    yield word["state"], words["status"][result.status]


def _part(words: Words, name: str, value: Any) -> str:
    said = words["part"].get(name, name)
    if value is True:
        return said
    values = value if isinstance(value, list) else [value]
    shown = ", ".join(printable(str(one)) for one in values[:MOST_NAMED])
    return f"{said}: {shown}" + (f" … ({len(values):,})" if len(values) > MOST_NAMED else "")


def _plan(word: Mapping[str, str], plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, said in (("eligible", "messages"), ("recipients", "recipients"), ("other_recipients", "others")):
        yield f"{plan.get(name, 0):,}", word[said]
    yield f"{sum(plan.get(name) or 0 for name in _LEFT_OUT):,}", word["left_out"]
    yield f"{plan.get('calls', 0):,}", word["calls"]
    deadlines = [_moment(parse_time(plan[name])) for name in ("first_deadline", "last_deadline") if plan.get(name)]
    if deadlines:
        yield " – ".join(dict.fromkeys(deadlines)), word["deadlines"]


def _disputed(words: Words, disputes: "Disputes | None") -> list[tuple[str, str, str]]:
    """Return what is shown of it and is not what the history says: what, of which row, and what it says."""
    found = list(dict.fromkeys(_dispute(words, one) for one in disputes.values)) if disputes is not None else []
    more = [(f"… ({len(found):,})", "", "")] if len(found) > MOST_DISPUTES else []
    return found[:MOST_DISPUTES] + more


def _dispute(words: Words, one: "Dispute") -> tuple[str, str, str]:
    what = words["what"].get(one.what, one.what)
    said = f"{what}: {one.field}" if one.field else f"{what} ({words['dispute'].get(one.kind, one.kind)})"
    return said, printable(one.key or ""), "" if one.history_says is None else printable(str(one.history_says))


def _break_glass(word: Mapping[str, str], broken: "BreakGlass | None") -> Iterator[str]:
    if broken is None:
        return
    yield word["broken"].format(
        who=printable(broken.broken_by), at=_moment(broken.broken_at), why=printable(broken.reason)
    )
    if broken.reviewed_by is None:
        yield word["to_review"]
        return
    reviewed = {"who": printable(broken.reviewed_by), "at": _moment(broken.reviewed_at)}
    yield word["reviewed"].format(**reviewed, why=printable(broken.review or ""))


def _approval(word: Mapping[str, str], approval: "Approval | None", broken: "BreakGlass | None") -> Iterator[str]:
    if approval is None or approval.requested_by is None:
        if broken is None:
            yield word["no_approval"]
        return
    yield word["requested"].format(who=approval.requested_by, at=_moment(approval.requested_at))
    if approval.approved_by is not None:
        yield word["approved"].format(who=approval.approved_by, at=_moment(approval.approved_at))
    elif approval.refused_by is not None:
        why = approval.refusal or ""
        yield word["refused"].format(who=approval.refused_by, at=_moment(approval.refused_at), why=why)
    else:
        yield word["waiting"]


def _line(words: Words, one: Mapping[str, Any]) -> tuple[str, str, str, str]:
    cause = one.get("cause") or {}
    said = words["event"].get(one["event"], one["event"])
    return _moment(one["at"]), said, printable(one["actor"]), printable(cause.get("message", ""))


def _outcomes(words: Words, report: "RecallReport") -> Iterator[tuple[str, str, str]]:
    for name in [*(outcome.value for outcome in Outcome), "pending"]:
        if count := getattr(report.result, name):
            yield f"{count:,}", words["outcome"][name], words["outcome_means"][name]


def _people(word: Mapping[str, str], people: "PeopleCount | None") -> str | None:
    """Say how many people lost it, and how many did not; None where nobody knows whom it reached."""
    if people is None or not (people.people or people.never):
        return None
    counts = people.to_json().items()
    return word["people"].format(**{name: f"{count:,}" for name, count in counts if name != "still"})


def _moment(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


@cache
def _words(language: str) -> Words:
    found: Words = tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8"))
    return found


@cache
def _environment() -> Environment:
    loader = PackageLoader("ledger.entrypoints.formats", "evidence")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
