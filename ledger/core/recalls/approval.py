"""The second person: which plans need one, until when they wait, and how much counts as one person's doing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.core.json_value import JsonValue

# What one person does alone counts together for so long, as does what is done alone to one campaign: no plan is valid
# for longer, and no message can be recalled for longer.
COUNTED_FOR = timedelta(hours=24)


class Decision(StrEnum):
    """What the second person said."""

    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(JsonValue):
    """Where a plan that needs a second person stands; until somebody wants to run it, nobody has to say anything.

    Until `valid_until` the second person may agree. Whether the plan still holds is looked at when it starts.
    """

    needed: bool = True
    requested_by: str | None = None
    requested_at: datetime | None = None
    valid_until: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    refused_by: str | None = None
    refused_at: datetime | None = None
    refusal: str | None = None

    @property
    def is_waiting(self) -> bool:
        """True when somebody wants to run the plan and nobody has answered."""
        return self.requested_by is not None and self.approved_by is None and self.refused_by is None

    def is_open(self, now: datetime) -> bool:
        """True while a second person may still answer."""
        return self.is_waiting and self.valid_until is not None and now < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass(JsonValue):
    """Who started a recall without the second person that it needs, and why; it is open until somebody reviews it."""

    broken_by: str
    broken_at: datetime
    reason: str
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    review: str | None = None

    @property
    def is_open(self) -> bool:
        """True until somebody else has said what they make of it."""
        return self.reviewed_by is None


class CountedTogether(StrEnum):
    """What is counted together."""

    RECALL = "recall"  # one recall
    ACTOR = "actor"  # all that one person started alone
    AGENTS = "agents"  # all that agents of one person started alone
    CAMPAIGN = "campaign"  # all that was started alone of one campaign; what has none counts as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(JsonValue):
    """How many people and messages something reaches that was started without a second person."""

    counted: CountedTogether
    people: int
    messages: int


def is_needed(*, recipients: int, messages: int, most: int | None) -> bool:
    """Say whether so much needs a second person; a message to a group reaches somebody, though nobody is named."""
    return most is not None and max(recipients, messages) > most


def valid_until(planned_at: datetime, plan_valid: timedelta, first_deadline: datetime | None) -> datetime:
    """Return until when a plan waits: until its first message expires, for from then on its numbers are wrong.

    At least it waits for as long as any plan is valid.
    """
    soonest = planned_at + plan_valid
    return max(soonest, first_deadline) if first_deadline is not None else soonest
