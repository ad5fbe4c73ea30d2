"""What the API takes and gives, as OpenAPI describes it; the names are those of the command's JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from ledger.clock import parse_time
from ledger.core.campaigns.look_alikes import Likeness
from ledger.core.limits import KEY_MAX_CHARACTERS, NAME_MAX_CHARACTERS, REASON_MAX_CHARACTERS, STORABLE_PATTERN
from ledger.core.recalls.plan import Standing
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.stop import StopCode
from ledger.core.recording.message import Chat
from ledger.entrypoints.formats.keys import KEYS_MAX
from ledger.errors import InputError

Value = TypeVar("Value")
USERS_MAX = 1000
Short = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX_CHARACTERS, pattern=STORABLE_PATTERN)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=REASON_MAX_CHARACTERS, pattern=STORABLE_PATTERN, strip_whitespace=True),
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=KEY_MAX_CHARACTERS, pattern=STORABLE_PATTERN)]
KEY, ROBOT, TIME = "qgLmBd0xWvXbQ2xEhGNf+HkKQLRrLxOQb8Fzk/X5xaU=", "dingrobot1", "2026-03-01T02:00:00Z"


def _read_time(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a text such as 2026-03-01T10:00:00+08:00")
    try:
        # A plus that was not encoded arrives in an address as a space.
        return parse_time(value.replace(" ", "+") if "T" in value else value)
    except InputError as error:
        raise ValueError(str(error)) from None


Moment = Annotated[AwareDatetime, BeforeValidator(_read_time), Field(examples=["2026-03-01T10:00:00+08:00"])]


class Given(BaseModel):
    """What comes in: unknown names are refused, for a misspelt one would widen a selection."""

    model_config = ConfigDict(extra="forbid")


class ApiModel(BaseModel):
    """What goes out."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Value]):
    """A part of a list; `next` is the address of the following part, null at the end."""

    items: list[Value]
    next: str | None = Field(examples=["/v1/history?limit=100&cursor=WyIyMDI2LTAzLTAxVDAyOjAwOjAwWiIsN10"])


class RejectedRow(ApiModel):
    """A row that was not recorded."""

    line: int = Field(description="Its number, from 1.", examples=[3])
    reason: str = Field(examples=["sentAt is missing"])


class DifferingRow(ApiModel):
    """A row whose message the ledger had already, with another campaign or fewer users."""

    line: int = Field(description="Its number, from 1.", examples=[3])
    note: str = Field(examples=["campaign spring kept (`ledger tag` changes it), 2 users added"])


class Received(ApiModel):
    """What became of the rows of a request."""

    read: int = Field(examples=[1000])
    recorded: int = Field(examples=[998])
    duplicates: int = Field(description="Known already; users that are new are added.", examples=[1])
    spooled: int = Field(description="On disk, and recorded once the database is back.", examples=[0])
    rejected: list[RejectedRow] = Field(description="The first of the rows that were not recorded, and why.")
    rejected_count: int = Field(description="How many were not recorded.", examples=[1])
    differing: list[DifferingRow] = Field(description="The first of the duplicates that were not the same.")
    differing_count: int = Field(description="How many were not the same.", examples=[0])


class Message(ApiModel):
    """A message that the ledger holds; it is purged after its deadline."""

    process_query_key: str = Field(examples=[KEY])
    robot_code: str = Field(examples=[ROBOT])
    campaign: str | None = Field(examples=["spring"])
    sent_at: datetime = Field(examples=[TIME])
    deadline: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    recipients: list[str] = Field(examples=[["zhang.san", "li.si"]])
    chat: Chat
    open_conversation_id: str | None
    source: str | None = Field(examples=["hr-mailer"])
    undelivered: Mapping[str, list[str]] = Field(description="Who did not get it, by reason.")
    recorded_at: datetime = Field(examples=[TIME])
    standing: Standing = Field(description="Whether it can be recalled, and if not, why.")
    excerpt: str | None = Field(description="Its title or first letters, where LEDGER_KEEP_EXCERPT keeps them.")
    expires_at: datetime | None = Field(description="When it vanishes by itself; null once that is under way.")


class SelectionRequest(Given):
    """Which messages are meant; what is given narrows together, and nothing at all is refused."""

    campaign: Short | None = Field(default=None, examples=["spring"])
    campaigns: list[Short] | None = Field(
        default=None,
        min_length=1,
        max_length=USERS_MAX,
        description=r"Of one of these. `spring-*` is all that begin so, which the plan lists; `spring-\*` is a name.",
        examples=[["spring", "summer"]],
    )
    untagged: bool = Field(default=False, description="Without a campaign.")
    source: Short | None = Field(default=None, examples=["hr-mailer"])
    users: list[Short] | None = Field(default=None, min_length=1, max_length=USERS_MAX, examples=[["zhang.san"]])
    keys: list[Key] | None = Field(default=None, min_length=1, max_length=KEYS_MAX, examples=[[KEY]])
    robot: Short | None = Field(default=None, examples=[ROBOT])
    since: Moment | None = Field(default=None, description="Sent at or after.")
    until: Moment | None = Field(default=None, description="Sent before.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.campaign is not None and self.campaigns is not None:
            raise ValueError("campaign and campaigns exclude each other: name all in campaigns")
        return self


class RecallRequest(SelectionRequest):
    """Which messages are meant, and why."""

    reason: Reason = Field(description="Why; the history keeps it.", examples=["wrong link"])
    include_shared: bool = Field(default=False, description="With users: also messages that reached others.")
    include_elsewhere: bool = Field(default=False, description="Also messages that other hands have taken back.")
    sticky_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="For so long, what is still recorded is recalled too."
    )


class RunRequest(Given):
    """What a plan is run with."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX_CHARACTERS)] | None = Field(
        default=None, description="The token of the plan: what is run is what was shown."
    )
    at: Moment | None = Field(default=None, description="Not now but then; a worker starts it.")
    stop_sending: bool = Field(default=False, description="Also refuse what is still sent of its campaigns.")


class RefusalRequest(Given):
    """Why somebody does not agree."""

    reason: Reason = Field(examples=["this is the right link"])


class BreakGlassRequest(Given):
    """Why somebody cannot wait for a second person."""

    reason: Reason = Field(examples=["nobody answers, and it goes to customers"])


class ReviewRequest(Given):
    """What another person makes of a recall that was started without a second one."""

    reason: Reason = Field(examples=["it was right: the link led to a stranger's page"])


class PauseRequest(Given):
    """Why a recall is paused."""

    reason: Reason = Field(default="paused by hand", examples=["looking into it"])


class VerifyRequest(Given):
    """What DingTalk is asked about a recall."""

    sample: int = Field(default=0, ge=0, description="Of what is recalled, whether so many are gone.", examples=[20])
    dry_run: bool = Field(default=False, description="Only say what it costs.")


class Approval(ApiModel):
    """A second person who has to agree, or had to."""

    needed: bool
    requested_by: str | None = Field(examples=["wang"])
    requested_at: datetime | None
    valid_until: datetime | None = Field(description="Until then somebody may agree.")
    approved_by: str | None = Field(examples=["li"])
    approved_at: datetime | None
    refused_by: str | None
    refused_at: datetime | None
    refusal: str | None = Field(description="Why it was refused.")


class BreakGlass(ApiModel):
    """Who started a recall without the second person that it needed, and who reviewed that."""

    broken_by: str = Field(examples=["wang"])
    broken_at: datetime = Field(examples=[TIME])
    reason: str = Field(examples=["nobody answers"])
    reviewed_by: str | None = Field(description="null: it waits for a review.", examples=["li"])
    reviewed_at: datetime | None
    review: str | None


class PlannedCampaign(ApiModel):
    """What a plan takes of one campaign."""

    campaign: str | None = Field(description="null: messages without a tag.", examples=["spring"])
    messages: int = Field(examples=[120])
    deliveries: int = Field(description="Recipients, summed over the messages.", examples=[2400])


class PlannedExcerpt(ApiModel):
    """What messages of a plan say, as far as it is kept."""

    excerpt: str = Field(examples=["Spring sale: 20 % off"])
    messages: int = Field(examples=[118])


class LookAlike(ApiModel):
    """Another campaign that one could take for the one that was named."""

    campaign: str = Field(examples=["Spring"])
    differs_in: Likeness = Field(description="In what it differs: hardly anything that one sees.")


class LikePair(ApiModel):
    """Two campaigns of one plan that one could take for each other."""

    campaigns: list[str] = Field(examples=[["spring-prom0", "spring-promo"]])
    differs_in: Likeness = Field(description="In what they differ: hardly anything that one sees.")


class AlsoWaiting(ApiModel):
    """Another plan that takes some of the same messages, and waits for a second person, its moment, or both."""

    recall_id: int = Field(examples=[8])
    messages: int = Field(description="So many of the same.", examples=[120])
    waits_for_approval: bool
    scheduled_at: datetime | None = Field(description="The moment that was set for it in advance.")


class PlanStop(ApiModel):
    """One thing that would stop a plan, or a part of it."""

    code: StopCode
    text: str = Field(description="What it is, and what to do.", examples=["a second person has to agree"])
    app: str | None = Field(description="Of which app.")
    recall_id: int | None = Field(description="Which recall is paused because of it.")
    since: datetime | None = Field(description="Since when that one is paused: it may be over.")


class Plan(ApiModel):
    """What a recall would do; nothing has been called."""

    recall_id: int = Field(examples=[7])
    status: Status
    eligible: int = Field(examples=[120])
    expired: int = Field(examples=[0])
    already_recalled: int = Field(examples=[2])
    in_progress: int = Field(examples=[0])
    shared_skipped: int = Field(examples=[0])
    recipients: int = Field(description="People who would lose a message.", examples=[2400])
    other_recipients: int = Field(description="People whom nobody asked for.", examples=[0])
    calls: int = Field(examples=[6])
    estimated_seconds: float = Field(examples=[0.3])
    will_expire_first: int = Field(description="Messages that expire before their turn.", examples=[0])
    quota: Mapping[str, int] = Field(examples=[{"limit": 5000, "used": 120, "after": 4874, "reserve": 0}])
    robots: Mapping[str, int] = Field(examples=[{ROBOT: 120}])
    first_deadline: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    last_deadline: datetime | None = Field(examples=["2026-03-02T02:10:00Z"])
    unrecorded_keys: int = Field(description="Keys that were named and that the ledger does not know.", examples=[0])
    held_by: list[int] = Field(description="The recalls that are at the messages in progress.", examples=[[]])
    approval: Approval | None
    recalled_elsewhere: int = Field(description="Taken back by other hands already.", examples=[0])
    unconfigured: int = Field(description="Messages of robots that no app is configured for.", examples=[0])
    unconfigured_robots: Mapping[str, int] = Field(description="Those robots, counted.", examples=[{}])
    by_campaign: list[PlannedCampaign] | None = Field(description="null where there are more than a hundred.")
    valid_until: datetime | None = Field(description="Until then it may start.", examples=["2026-03-01T02:15:00Z"])
    token: str | None = Field(
        description="`run` with it runs exactly this, or nothing. It is kept nowhere: a repeated request has null."
    )
    excerpts: list[PlannedExcerpt] | None = Field(
        description="The most frequent ones, where LEDGER_KEEP_EXCERPT keeps them. Kept with the messages alone: a "
        "repeated request has null."
    )
    look_alikes: list[LookAlike] = Field(description="Other campaigns that one could take for those that were named.")
    like_pairs: list[LikePair] = Field(description="Campaigns of it that one could take for each other.")
    stops: list[PlanStop] = Field(description="What would stop it, as far as is known without asking DingTalk.")
    also_waiting: list[AlsoWaiting] | None = Field(
        description="Other plans that take some of the same messages, and wait. A repeated request has null."
    )


class Result(ApiModel):
    """Where a recall stands; the outcomes and `pending` add up to `eligible`."""

    recall_id: int = Field(examples=[7])
    status: Status
    eligible: int = Field(examples=[120])
    recalled: int = Field(examples=[118])
    refused: int = Field(examples=[1])
    partial: int = Field(examples=[0])
    expired: int = Field(examples=[0])
    unknown: int = Field(examples=[1])
    cancelled: int = Field(examples=[0])
    pending: int = Field(examples=[0])
    calls: int = Field(examples=[8])
    elapsed_seconds: float = Field(examples=[0.9])
    working_seconds: float | None = Field(description="Without pauses and waits; null in lists.", examples=[0.9])
    reason: str = Field(examples=["wrong link"])
    actor: str = Field(examples=["wang"])
    error: Mapping[str, str] | None = Field(description="Why it is paused: `code` and `message`.")
    trouble: Mapping[str, str | None] | None = Field(
        description="What held up the last call; `until` while none may leave."
    )
    late: int | None = Field(description="Recorded after the plan, and in no recall.")
    sticky_until: datetime | None
    follows: int | None = Field(description="The sticky recall that this one follows.")
    in_flight: int = Field(description="Of those pending, asked and not answered yet.", examples=[0])
    answers_until: datetime | None = Field(description="Until then answers are awaited.")
    planned_at: datetime | None = Field(examples=[TIME])
    started_at: datetime | None = Field(examples=[TIME])
    finished_at: datetime | None = Field(examples=[TIME])
    approval: Approval | None
    break_glass: BreakGlass | None
    campaigns: list[str] = Field(description="The campaigns that were asked for by name.", examples=[["spring"]])
    scheduled_at: datetime | None = Field(description="The moment that was set for it in advance.")
    overtaken_by: int | None = Field(
        description="Another recall that has taken messages of this plan, which waits for somebody or its moment."
    )


class TimelineEntry(ApiModel):
    """One thing that was done with a recall."""

    at: datetime = Field(examples=[TIME])
    event: str = Field(examples=["started"])
    actor: str = Field(examples=["wang"])
    request_id: str | None = Field(description="The request to this service that did it.")
    cause: Mapping[str, str] | None = Field(description="Of a pause, why: `code` and `message`.")


class Dispute(ApiModel):
    """A value, or a row, that is not what the history says."""

    kind: str = Field(description="changed, missing or added.", examples=["changed"])
    what: str = Field(description="Of what: item, call, recall, skip, approval and so on.", examples=["item"])
    key: str | None = Field(description="The key of a message, the number of a call.", examples=[KEY])
    field: str | None = Field(examples=["outcome"])
    history_says: Any = Field(description="Of what a plan froze, the history holds digests.", examples=["refused"])


class Disputes(ApiModel):
    """What the latest check of the history found of a recall."""

    checked_at: datetime = Field(examples=[TIME])
    values: list[Dispute]
    are_all: bool = Field(description="false: the check found more than was kept.")


class Person(ApiModel):
    """One person, and what they have of the messages: `recalled`, `left` and `unknown` add up to `messages`."""

    user: str = Field(examples=["zhang.san"])
    messages: int = Field(description="That reached this person.", examples=[3])
    recalled: int = Field(examples=[2])
    left: int = Field(description="Still there.", examples=[1])
    unknown: int = Field(description="Nobody can say; partial outcomes too.", examples=[0])
    undelivered: int = Field(description="Meant for this person, and never got there.", examples=[0])


class PeopleCount(ApiModel):
    """How many people stand where; `lost`, `left` and `unknown` add up to `people`."""

    people: int = Field(description="Whom messages reached, each once.", examples=[2114])
    lost: int = Field(description="Who lost all.", examples=[2110])
    left: int = Field(description="Who still have one.", examples=[4])
    unknown: int = Field(description="Of whom nobody can say.", examples=[0])
    never: int = Field(description="Whom none ever reached.", examples=[0])
    still: list[str] = Field(description="The first of those who still have one.", examples=[["li.si"]])


class PeoplePage(Page[Person]):
    """A part of a list of people, by their ids."""

    count: PeopleCount | None = Field(description="On the first page: of everybody, whatever was narrowed.")


class SpotCheck(ApiModel):
    """What was found of recalled messages; of the rest of those asked, DingTalk said nothing."""

    asked: int = Field(examples=[20])
    gone: int = Field(examples=[20])
    still_there: int = Field(examples=[0])


class Verified(ApiModel):
    """What asking costs at least, or what came of it."""

    calls: int = Field(examples=[23])
    settled: int = Field(description="That were unknown or partial.", examples=[3])
    checked: SpotCheck | None = Field(description="null: no recalled message was asked about.")
    result: Result | None = Field(description="null: it was only to say what it costs.")


class BeforeReading(ApiModel):
    """How many people lost messages of a recall before they had read them, as far as somebody asked."""

    messages: int = Field(description="Recalled, and asked about.", examples=[58])
    people: int = Field(description="Whom these reached; a person counts for each message.", examples=[1140])
    read: int = Field(description="Who had read them, when DingTalk was asked last.", examples=[130])
    share: float | None = Field(description="Who had not, of people, 0 to 1.", examples=[0.886])
    is_most: bool = Field(description="true: it was asked before the recall, so that more may have read them since.")
    of_unknown_size: int = Field(description="Messages of which readers alone are known.", examples=[2])
    readers_of_unknown_size: int = Field(examples=[45])
    not_known: int = Field(description="Recalled messages that nobody asked about.", examples=[1140])
    asked_at: datetime = Field(description="When it was asked last.", examples=[TIME])


class StillThere(ApiModel):
    """A message that ended recalled, and of which DingTalk said later that it is there."""

    process_query_key: str = Field(examples=[KEY])
    status: str = Field(description="DingTalk's word.", examples=["SUCCESS"])
    checked_at: datetime = Field(examples=[TIME])
    actor: str = Field(description="Who asked.", examples=["wang"])


class Recall(Result):
    """A recall with what was asked for and who did what; its items are a list of their own."""

    selection: Mapping[str, Any] = Field(examples=[{"campaign": "spring"}])
    plan: Mapping[str, Any] = Field(description="The plan as it was made.")
    timeline: list[TimelineEntry]
    disputes: Disputes | None = Field(description="null: the latest check of the history found nothing, or none was.")
    before_reading: BeforeReading | None = Field(description="null: nobody ever asked who had read it.")
    still_there: list[StillThere] = Field(description="What spot checks found that was to be gone.")


class Item(ApiModel):
    """One message inside a recall, and how it ended."""

    process_query_key: str = Field(examples=[KEY])
    robot_code: str = Field(examples=[ROBOT])
    campaign: str | None = Field(examples=["spring"])
    sent_at: datetime = Field(examples=[TIME])
    deadline: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    recipients: list[str] = Field(examples=[["zhang.san", "li.si"]])
    outcome: Outcome | None = Field(description="null while it waits.")
    code: str | None = Field(examples=["invalid.processQueryKey"])
    reason: str | None = Field(description="Why it ended so; DingTalk's words, verbatim.")
    attempts: int = Field(examples=[1])
    recall_id: int = Field(examples=[7])
    actor: str = Field(examples=["wang"])
    finished_at: datetime | None = Field(examples=[TIME])
    chat: Chat
    open_conversation_id: str | None
    source: str | None
    undelivered: Mapping[str, list[str]]
    recall_reason: str = Field(description="Why it was to be recalled.", examples=["wrong link"])
    approved_by: str | None = Field(description="The second person who agreed.")
