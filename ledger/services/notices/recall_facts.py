"""What a notice says of a recall, from what the history told of it and where it stands now."""

from typing import Any, cast

from ledger.clock import format_time
from ledger.core.notices.notices import OF_HISTORY, REFUSALS
from ledger.core.persons.reached_people import PeopleCount
from ledger.core.recalls.recall import Outcome
from ledger.notice_events import NoticeEvent
from ledger.services.reports.recalls import RecallReport
from ledger.store.notices.notices import ToldEntry

_LEFT = tuple(outcome for outcome in Outcome if outcome is not Outcome.RECALLED)


def facts_of(
    told: ToldEntry, report: RecallReport, people: PeopleCount | None, public_url: str | None
) -> dict[str, Any]:
    """Return the facts of a notice, as JSON values; whom a recall was asked for by user id is not among them.

    `people` are those of a recall that is over, by where they stand.
    """
    result, plan = report.result, report.plan
    facts: dict[str, Any] = {
        "recall_id": result.recall_id,
        "campaigns": list(result.campaigns),
        "reason": result.reason,
        "actor": result.actor,
        "status": result.status.value,
        "eligible": result.eligible,
        "recalled": result.recalled,
        "pending": result.pending,
        "left": {outcome.value: count for outcome in _LEFT if (count := getattr(result, outcome.value))},
        "people": plan.get("recipients"),
        "first_deadline": plan.get("first_deadline"),
        "by": told.actor,
        **_own(OF_HISTORY[told.event], told),
    }
    if people is not None:
        facts |= {"people": people.people, "people_lost": people.lost, "people_left": people.left}
        facts["people_unknown"] = people.unknown
    if public_url is not None:
        facts["link"] = f"{public_url}/recalls/{result.recall_id}"
    return facts


def _own(event: NoticeEvent, told: ToldEntry) -> dict[str, Any]:
    """Return what is of this event alone."""
    detail = told.detail
    if event is NoticeEvent.PAUSED:
        return {name: detail[name] for name in ("code", "cause", "message") if name in detail}
    if event is NoticeEvent.APPROVAL_WANTED:
        return {"valid_until": detail.get("valid_until")}
    if event is NoticeEvent.CONTRADICTED:
        return {"still_there": len(cast("list[object]", detail["still_there"]))}
    if event is NoticeEvent.BREAK_GLASS:
        return {"why": detail.get("reason")}
    if told.event in REFUSALS:
        return {"refusal": detail.get("reason")}
    return {"finished_at": format_time(told.at)} if event is NoticeEvent.FINISHED else {}
