"""What a notice says of a correction, from what the history told of it and where it stands now."""

from collections.abc import Mapping
from typing import Any, cast

from ledger.clock import format_time
from ledger.core.corrections.correction import CorrectionResult
from ledger.core.notices.notices import OF_HISTORY, REFUSALS
from ledger.notice_events import NoticeEvent
from ledger.store.notices.notices import ToldEntry

_LEFT = ("not_reached", "unknown", "refused", "cancelled")


def facts_of_correction(told: ToldEntry, result: CorrectionResult, public_url: str | None) -> dict[str, Any]:
    """Return the facts of a notice, as JSON values; numbers are of people, none of whom is named."""
    facts: dict[str, Any] = {
        "correction_id": result.correction_id,
        "recall_id": result.recall_id,
        "campaigns": [result.campaign],
        "reason": result.reason,
        "actor": result.actor,
        "status": result.status.value,
        "people": result.people,
        "sent": result.sent,
        "pending": result.pending,
        "left": {name: count for name in _LEFT if (count := getattr(result, name))},
        "skipped": result.skipped,
        "by": told.actor,
        **_own(OF_HISTORY[told.event], told),
    }
    if public_url is not None:
        facts["link"] = f"{public_url}/recalls/{result.recall_id}/correction"
    return facts


def _own(event: NoticeEvent, told: ToldEntry) -> dict[str, Any]:
    """Return what is of this event alone."""
    if event is NoticeEvent.PAUSED:
        error = cast("Mapping[str, str]", told.detail["error"])
        return {name: error[name] for name in ("code", "cause", "message") if name in error}
    if event is NoticeEvent.APPROVAL_WANTED:
        return {"valid_until": told.detail["valid_until"]}
    if told.event in REFUSALS:
        return {"refusal": told.detail["reason"]}
    return {"finished_at": format_time(told.at)} if event is NoticeEvent.FINISHED else {}
