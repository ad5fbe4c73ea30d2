"""A plan as it is kept, read back into what was shown; its token is kept nowhere."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from ledger.clock import parse_time
from ledger.core.campaigns.look_alikes import Likeness, LikePair, LookAlike
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.recall import Plan, PlannedCampaign, Status
from ledger.core.recalls.stop import PlanStop, StopCode

_NAMES = frozenset(field.name for field in fields(Plan))


def read_plan(kept: Mapping[str, Any], recall_id: int) -> Plan:
    """Return the plan that `to_json` gave this of; what an earlier release did not keep has its default."""
    campaigns = kept.get("by_campaign")
    values = {name: value for name, value in kept.items() if name in _NAMES}
    return Plan(
        **values
        | {
            "recall_id": recall_id,
            "status": Status.PLANNED,
            "first_deadline": _time(kept.get("first_deadline")),
            "last_deadline": _time(kept.get("last_deadline")),
            "valid_until": _time(kept.get("valid_until")),
            "held_by": tuple(kept.get("held_by", ())),
            "approval": Approval() if kept.get("approval") else None,
            "by_campaign": None if campaigns is None else tuple(PlannedCampaign(**one) for one in campaigns),
            "excerpts": (),
            "stops": tuple(
                PlanStop(**one | {"code": StopCode(one["code"]), "since": _time(one.get("since"))})
                for one in kept.get("stops", ())
            ),
            "look_alikes": tuple(
                LookAlike(**one | {"differs_in": Likeness(one["differs_in"])}) for one in kept.get("look_alikes", ())
            ),
            "like_pairs": tuple(
                LikePair(campaigns=tuple(one["campaigns"]), differs_in=Likeness(one["differs_in"]))
                for one in kept.get("like_pairs", ())
            ),
        }
    )


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text is not None else None
