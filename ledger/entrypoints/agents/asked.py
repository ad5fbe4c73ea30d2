"""What agents may ask: the arguments of the tools. Names that are not known are refused, for one might widen."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ledger.clock import parse_time
from ledger.core.access.bounds import Bounds
from ledger.core.cursor import LARGEST_ID
from ledger.core.limits import KEY_MAX_CHARACTERS, NAME_MAX_CHARACTERS, REASON_MAX_CHARACTERS, STORABLE_PATTERN
from ledger.core.persons.reached_people import PersonStanding
from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.selection import Selection, select

ROWS_MAX, ROWS = 100, 25
_NAMES_MAX = 100
_CURSOR_MAX_CHARACTERS = 1500

Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARACTERS, pattern=STORABLE_PATTERN)]
Key = Annotated[str, Field(min_length=1, max_length=KEY_MAX_CHARACTERS, pattern=STORABLE_PATTERN)]
Time = Annotated[str, Field(max_length=64, examples=["2026-03-01T10:00:00+08:00"])]
Number = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Names = Annotated[list[Name], Field(min_length=1, max_length=_NAMES_MAX)]


class Asked(BaseModel):
    """The arguments of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageAsked(Asked):
    """A part of a list."""

    limit: Annotated[int, Field(ge=1, le=ROWS_MAX, description="At most so many rows.")] = ROWS
    cursor: Annotated[
        str | None,
        Field(max_length=_CURSOR_MAX_CHARACTERS, description="Where to go on: the `cursor` of the answer before."),
    ] = None


class SelectionAsked(Asked):
    """Which messages are meant: all parts that are given narrow together."""

    campaigns: Names | None = Field(default=None, description="Of one of these campaigns, named exactly.")
    untagged: bool = Field(default=False, description="Without a campaign.")
    source: Name | None = Field(default=None, description="Sent by this program.")
    users: Names | None = Field(default=None, description="That reached one of these user ids.")
    keys: Annotated[list[Key], Field(min_length=1, max_length=_NAMES_MAX)] | None = Field(
        default=None, description="With one of these processQueryKeys."
    )
    robot: Name | None = Field(default=None, description="Sent by this robotCode.")
    since: Time | None = Field(default=None, description="Sent at or after this time, which names its zone.")
    until: Time | None = Field(default=None, description="Sent before this time, which names its zone.")

    def selection(self, bounds: Bounds) -> Selection:
        """Return what is meant, within bounds; raise InputError for what cannot be."""
        return select(
            campaign=self.campaigns,
            untagged=self.untagged,
            source=self.source,
            users=self.users,
            keys=self.keys,
            robot=self.robot,
            since=parse_time(self.since) if self.since is not None else None,
            until=parse_time(self.until) if self.until is not None else None,
            within=bounds,
        )

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Return what narrows, by the names under which the ledger notes who read what."""
        one = {"source": self.source, "robot": self.robot, "since": self.since, "until": self.until}
        many = {"campaign": self.campaigns, "user": self.users, "key": self.keys}
        found: dict[str, tuple[str, ...]] = {name: (value,) for name, value in one.items() if value is not None}
        found |= {name: tuple(values) for name, values in many.items() if values is not None}
        return found | ({"untagged": ("true",)} if self.untagged else {})


class CampaignsAsked(PageAsked):
    """What can still be recalled."""


class MessagesAsked(PageAsked, SelectionAsked):
    """What is recorded; without any part, everything."""

    recallable: bool = Field(default=False, description="Only what can still be recalled.")


class ReachedAsked(PageAsked, SelectionAsked):
    """Whose people: of one recall, or of the messages that are meant."""

    recall_id: Number | None = Field(default=None, description="Those of this recall; then nothing else is meant.")
    only: PersonStanding | None = Field(
        default=None, description="Who has a message left, is unknown, lost all, or never got any."
    )


class HistoryAsked(PageAsked, SelectionAsked):
    """What became of every key; without any part, of all."""

    outcome: Outcome | None = Field(default=None, description="Only what ended so.")
    actor: Name | None = Field(default=None, description="Only what this one recalled, named exactly.")


class ProgressAsked(PageAsked):
    """Where recalls stand."""

    recall_id: Number | None = Field(default=None, description="One recall; without, all of them, newest first.")


class VerifyAsked(Asked):
    """The proof of the history."""

    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None, description="A last digest that was kept elsewhere: the history must still have it."
    )


class PlanAsked(SelectionAsked):
    """A recall to plan."""

    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=REASON_MAX_CHARACTERS,
            pattern=STORABLE_PATTERN,
            description="Why, in the words of the person who wants it: the history keeps it.",
        ),
    ]
    include_shared: bool = Field(
        default=False, description="With users: also messages that reached others, who lose them too."
    )


class RunAsked(Asked):
    """A plan to run as it was shown."""

    plan_id: Number = Field(description="The `plan_id` of plan_recall.")
    token: Annotated[str, Field(min_length=1, max_length=200, description="The `token` of that plan.")]
