"""The words of a recall: its states, the outcomes of its items, and the values that doors show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ledger.core.json_value import JsonValue
from ledger.core.recording.message import Chat

# What plans and results are made of is loaded by who makes them: the words above all are asked for at each start.
if TYPE_CHECKING:
    from ledger.core.campaigns.look_alikes import LikePair, LookAlike
    from ledger.core.recalls.approval import Approval, BreakGlass
    from ledger.core.recalls.quota import Quota
    from ledger.core.recalls.stop import PlanStop


class Status(StrEnum):
    """The state of a recall."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How an item ended; every item ends in exactly one."""

    RECALLED = "recalled"
    REFUSED = "refused"  # the API said no; its reason is kept verbatim
    PARTIAL = "partial"  # the API recalled it for some of its recipients
    EXPIRED = "expired"  # its 24 hours were over
    UNKNOWN = "unknown"  # nobody can say: no answer, or the answer does not mention the key
    CANCELLED = "cancelled"  # somebody stopped the recall before its turn


RETRYABLE = (Outcome.REFUSED, Outcome.PARTIAL, Outcome.UNKNOWN)


# Why something ended that nobody at DingTalk was asked about: our own words, without a code.
EXPIRED_WAITING, CANCELLED_WAITING = "its deadline passed before its turn", "the recall was cancelled before its turn"
OWNER_GONE = "its owner went away"
OWN_REASONS: Mapping[str, str] = {"expired": EXPIRED_WAITING, "cancelled": CANCELLED_WAITING, "lost": OWNER_GONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCampaign(JsonValue):
    """What a plan takes of one campaign (None: without a tag); `deliveries` are recipients summed over messages."""

    campaign: str | None
    messages: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExcerpt(JsonValue):
    """What so many messages of a plan say: the title, or the first letters."""

    excerpt: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoWaiting(JsonValue):
    """Another plan that takes so many of the same messages, and waits for a second person, its moment, or both."""

    recall_id: int
    messages: int
    waits_for_approval: bool
    scheduled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(JsonValue):
    """What a recall would do: frozen with its items, and run once.

    `recipients` are the people who would lose a message; `other_recipients` those among the selected messages'
    recipients whom nobody asked for (taken along with include_shared, spared without). `calls` is the smallest
    possible number, `estimated_seconds` its time at the allowed rate, `will_expire_first` how many messages reach
    their deadline before their turn. `quota` counts calls of the month. `unrecorded_keys` were named, but
    the ledger has no message of them. `held_by` are the recalls that are at the messages `in_progress`. `approval` is
    there when a second person has to agree. `unconfigured` messages are of robots that the settings give to no app,
    counted in `unconfigured_robots`. `by_campaign` is None where there are very many. Until `valid_until` it may start;
    who shows its `token` then runs exactly this. `stops` is what would stop it as far as is known without asking.
    `recalled_elsewhere` are messages that other hands have taken back already.
    `look_alikes` are other campaigns that one could take for those that were named, `like_pairs` those among them that
    one could take for each other. `excerpts` are the most frequent of what its messages say, where that is kept; they
    stay with the messages, and are no part of what is kept of a plan. Nor is `also_waiting`: the other plans that wait
    and take some of the same messages when this one is shown.
    """

    recall_id: int
    status: Status
    eligible: int
    expired: int
    already_recalled: int
    in_progress: int
    shared_skipped: int
    recipients: int
    other_recipients: int
    calls: int
    estimated_seconds: float
    will_expire_first: int
    quota: "Quota"
    robots: Mapping[str, int]
    first_deadline: datetime | None
    last_deadline: datetime | None
    unrecorded_keys: int = 0
    held_by: tuple[int, ...] = ()
    approval: "Approval | None" = None
    unconfigured: int = 0
    unconfigured_robots: Mapping[str, int] = field(default_factory=dict)
    by_campaign: tuple[PlannedCampaign, ...] | None = None
    valid_until: datetime | None = None
    token: str | None = field(default=None, repr=False)
    stops: "tuple[PlanStop, ...]" = ()
    look_alikes: "tuple[LookAlike, ...]" = ()
    like_pairs: "tuple[LikePair, ...]" = ()
    recalled_elsewhere: int = 0
    excerpts: tuple[PlannedExcerpt, ...] = ()
    also_waiting: tuple[AlsoWaiting, ...] = ()

    @property
    def taken(self) -> tuple[str | None, ...] | None:
        """The campaigns (None: without a tag) of which it takes something; None where there are very many."""
        return None if self.by_campaign is None else tuple(one.campaign for one in self.by_campaign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(JsonValue):
    """Where a recall stands; the outcomes and `pending` always add up to `eligible`. Times are in seconds.

    `trouble` is what held up the last call of a running recall (`verdict`, `code`, `reason`, and `until` while no call
    may leave), None when all is well.
    `late` counts messages that fit the selection, were recorded after the plan and are in no recall (None where it was
    not counted); until `sticky_until` they are recalled as they arrive, by recalls that say which one they `follow`.
    Of those that are pending, `in_flight` have been asked; an answer is awaited until `answers_until` at the latest.
    `approval` is there when a second person has to agree, or had to. `beside` are other running recalls of which the
    same run made calls, since the nearest deadline goes first. `campaigns` are those that were asked for by name.
    `break_glass` is there when it was started without the second person that it needed. `working_seconds` is the part
    of `elapsed_seconds` in which it was worked at: without pauses, and without waits (None where it was not counted).
    `scheduled_at` is the moment that was set for it in advance. `overtaken_by` is another recall that has taken some
    messages of a plan that waits: one that was set for later leaves them out, and one that waits for a second person
    alone cannot run any more.
    """

    recall_id: int
    status: Status
    eligible: int
    recalled: int
    refused: int
    partial: int
    expired: int
    unknown: int
    cancelled: int
    pending: int
    calls: int
    elapsed_seconds: float
    reason: str
    actor: str
    error: Mapping[str, str] | None
    trouble: Mapping[str, str | None] | None = None
    late: int | None = None
    sticky_until: datetime | None = None
    follows: int | None = None
    in_flight: int = 0
    answers_until: datetime | None = None
    planned_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    approval: "Approval | None" = None
    beside: tuple[int, ...] = ()
    campaigns: tuple[str, ...] = ()
    break_glass: "BreakGlass | None" = None
    working_seconds: float | None = None
    scheduled_at: datetime | None = None
    overtaken_by: int | None = None

    @property
    def is_scheduled(self) -> bool:
        """True while it waits for the moment that was set for it."""
        return self.status is Status.PLANNED and self.scheduled_at is not None

    @property
    def is_complete(self) -> bool:
        """True when everything that was eligible is recalled."""
        return self.status is Status.FINISHED and self.recalled == self.eligible


# Told of a recall now and then, while it runs.
OnProgress = Callable[[Result], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(JsonValue):
    """One message inside a recall, and how it ended; `outcome` is None while it waits.

    `reason` is why it ended so, in DingTalk's words where DingTalk said it; `recall_reason`, why it was to be recalled.
    """

    process_query_key: str
    robot_code: str
    campaign: str | None
    sent_at: datetime
    deadline: datetime
    recipients: tuple[str, ...]
    outcome: Outcome | None
    code: str | None
    reason: str | None
    attempts: int
    recall_id: int
    actor: str
    finished_at: datetime | None
    chat: Chat
    open_conversation_id: str | None
    source: str | None
    undelivered: Mapping[str, tuple[str, ...]]
    recall_reason: str
    approved_by: str | None
