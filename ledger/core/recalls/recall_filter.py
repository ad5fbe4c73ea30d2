"""Which recalls somebody looks for: what is set narrows together, and nothing at all means every recall."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from ledger.core.limits import check_text
from ledger.core.period import ALWAYS, Period, period_of_recall
from ledger.core.recording.message import Campaign
from ledger.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallFilter:
    """Of one of these campaigns, by this actor, started in this time; a plan that nobody ran counts by its making.

    A recall is of a campaign that was asked for, or of which it has ended a message. It is whole when no message of it
    ended otherwise than recalled; None means both, as with `has_recalled`, whether any was. Without `with_plans`, of
    plans only those that wait for a second person, or for their moment. With `asked_at`, only plans that somebody may
    agree to at that moment; with `only_scheduled`, only those that have a moment.
    """

    campaigns: frozenset[Campaign] = frozenset()
    actor: str | None = None
    started: Period = field(default=ALWAYS)
    is_whole: bool | None = None
    with_plans: bool = True
    has_recalled: bool | None = None
    asked_at: datetime | None = None
    only_scheduled: bool = False


EVERY_RECALL = RecallFilter()


def recall_filter(
    *,
    campaign: str | Collection[str] | None = None,
    actor: str | None = None,
    recalled_since: datetime | None = None,
    recalled_until: datetime | None = None,
) -> RecallFilter:
    """Return what is looked for; raise InputError for a part that is empty or cannot be meant. None leaves it out."""
    campaigns = [campaign] if isinstance(campaign, str) else campaign
    for name, part in (("campaign", campaigns), ("actor", actor)):
        if part is not None and not (part and all(part)):
            raise InputError(f"{name} is empty: leave it out, or name what is meant")
    for one in campaigns or ():
        check_text("campaign", one)
    if actor is not None:
        check_text("actor", actor)
    return RecallFilter(
        campaigns=frozenset(Campaign(one) for one in campaigns or ()),
        actor=actor,
        started=period_of_recall(recalled_since, recalled_until),
    )
