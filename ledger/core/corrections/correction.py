"""A correction: one message to all from whom a recall took another one back. Who gets it, who does not, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.clock import parse_time
from ledger.core.corrections.correction_text import CorrectionText, Preview, preview_of
from ledger.core.json_value import JsonValue
from ledger.core.limits import NAME_MAX_CHARACTERS
from ledger.core.named import shortened
from ledger.core.persons.person import is_pseudonym
from ledger.core.recalls.approval import Approval
from ledger.core.recalls.confirmation import Confirmation
from ledger.core.recalls.quota import Quota
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.stop import PlanStop, StopCode
from ledger.core.recording.message import AppName

# So many users a call, as the page of batchSend says.
PEOPLE_PER_CALL = 20
# A yes is enough for so many; beyond, one from habit is not.
MOST_PEOPLE_BY_A_YES = 1
# The API that corrections are sent by: its pace is one for all that is sent through it.
SEND_API = "batchSend"
SOURCE = "correction"
OPEN = (Status.RUNNING, Status.PAUSED)


class WhyNot(StrEnum):
    """Why somebody of a recall gets no correction; everybody has one reason, that which says most."""

    STILL_HAVE = "still_have"  # a message that was to be recalled is still there
    UNKNOWN = "unknown"  # nobody can say whether their message is gone
    NEVER_REACHED = "never_reached"  # nothing reached them
    ERASED = "erased"  # nobody knows any more who they are
    CORRECTED = "corrected"  # another correction of the same recall reached them
    MAYBE_CORRECTED = "maybe_corrected"  # another one may have, and nobody can say


class SendOutcome(StrEnum):
    """How one send of a correction ended."""

    SENT = "sent"  # DingTalk took it: whom it did not reach is named beside it
    UNKNOWN = "unknown"  # nobody can say: it is not sent again
    REFUSED = "refused"  # DingTalk said no
    CANCELLED = "cancelled"  # somebody stopped the correction before its turn
    SPLIT = "split"  # somebody in it spoils it: the same people are in smaller ones


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """One message of a recall to people one by one: who sent it, whom it reached, and how its recall ended."""

    app: AppName
    robot_code: str
    outcome: Outcome | None
    recipients: Sequence[str]
    undelivered: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Who gets one call of a correction: up to 20 people of one robot."""

    app: AppName
    robot_code: str
    people: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Who gets a correction, cut into calls, and who does not, each with why."""

    batches: Sequence[Batch]
    left_out: Mapping[str, WhyNot]

    @property
    def people(self) -> int:
        """How many people get it."""
        return sum(len(batch.people) for batch in self.batches)

    @property
    def apps(self) -> set[AppName]:
        """Whose apps send it."""
        return {batch.app for batch in self.batches}

    def counts(self) -> dict[str, int]:
        """Return how many people do not get it, by why."""
        counted = Counter(self.left_out.values())
        return {why.value: counted[why] for why in WhyNot if counted[why]}


# What a person has of one message, the worse the higher: nothing reached them, it is gone, nobody knows, it is there.
_NEVER, _GONE, _DOUBT, _THERE = range(4)
_RANK = {Outcome.RECALLED: _GONE, Outcome.UNKNOWN: _DOUBT, Outcome.PARTIAL: _DOUBT}
_WHY = {_NEVER: WhyNot.NEVER_REACHED, _DOUBT: WhyNot.UNKNOWN, _THERE: WhyNot.STILL_HAVE}


def address(messages: Iterable[TakenBack], before: Mapping[str, WhyNot]) -> Addressed:
    """Say who gets a correction: everybody all of whose messages of a recall are gone, by the robot of the first one.

    `before` are those who are not to get one since another correction wrote to them. Who still has one of several
    messages is left out: asking again for that comes first.
    """
    ranks: dict[str, int] = {}
    senders: dict[str, tuple[AppName, str]] = {}
    for message in messages:
        rank = _THERE if message.outcome is None else _RANK.get(message.outcome, _THERE)
        for user in message.recipients:
            if rank > ranks.get(user, -1):
                ranks[user] = rank
            senders.setdefault(user, (message.app, message.robot_code))
        for user in (one for some in message.undelivered.values() for one in some):
            ranks.setdefault(user, _NEVER)
    left_out: dict[str, WhyNot] = {}
    routes: dict[tuple[AppName, str], list[str]] = {}
    for user, rank in ranks.items():
        why = WhyNot.ERASED if is_pseudonym(user) else _WHY.get(rank) or before.get(user)
        if why is not None:
            left_out[user] = why
        else:
            routes.setdefault(senders[user], []).append(user)
    return Addressed(batches=[*_batches(routes)], left_out=left_out)


def _batches(routes: Mapping[tuple[AppName, str], list[str]]) -> Iterable[Batch]:
    for (app, robot), users in sorted(routes.items()):
        users.sort()
        for start in range(0, len(users), PEOPLE_PER_CALL):
            yield Batch(app=app, robot_code=robot, people=users[start : start + PEOPLE_PER_CALL])


def halves(people: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Cut the people of a send that one of them spoils."""
    middle = (len(people) + 1) // 2
    return people[:middle], people[middle:]


def campaign_of(recall_id: int, selection: Mapping[str, Any]) -> str:
    """Return the campaign that a correction is recorded under: it names what it corrects, and can be recalled by it."""
    campaign = selection.get("campaign")
    if not isinstance(campaign, str):
        return f"correction of recall {recall_id}"
    words = ("correction of ", f" (recall {recall_id})")
    return shortened(campaign, NAME_MAX_CHARACTERS - len("".join(words))).join(words)


def confirmation_of_correction(people: int, quota: Quota) -> Confirmation:
    """Return what it takes to send one: the number of people has to be typed, unless it is for one person."""
    is_covered = quota["after"] >= 0
    is_small = people <= MOST_PEOPLE_BY_A_YES and is_covered
    return Confirmation(typed=() if is_small else (str(people),), is_covered=is_covered)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionPlan(JsonValue):
    """What a correction would do: nothing is sent yet.

    `skipped` people of the recall do not get it, `skipped_by_reason` says why. `by_hand` are messages of the recall
    that went to groups (`group`) or between two people (`private`), which no correction reaches, and those of which the
    ledger does not know whom they reached (`nobody_named`). `earlier` are corrections of the same recall that were
    started before. `calls` is the smallest possible number, `estimated_seconds` its time at the allowed rate.
    """

    correction_id: int
    recall_id: int
    status: Status
    people: int
    calls: int
    skipped: int
    skipped_by_reason: Mapping[str, int]
    by_hand: Mapping[str, int]
    campaign: str
    msg_key: str
    msg_param: str
    preview: Preview
    estimated_seconds: float
    quota: Quota
    robots: Mapping[str, int]
    earlier: tuple[int, ...] = ()
    approval: Approval | None = None
    stops: tuple[PlanStop, ...] = ()
    valid_until: datetime | None = None
    token: str | None = field(default=None, repr=False)


def read_correction_plan(kept: Mapping[str, Any], correction_id: int, text: CorrectionText) -> CorrectionPlan:
    """Return the plan that is kept of a correction, with what it says; its token is kept nowhere."""
    names = {one.name for one in fields(CorrectionPlan)}
    values = {name: value for name, value in kept.items() if name in names}
    until = kept.get("valid_until")
    return CorrectionPlan(
        **values
        | {
            "correction_id": correction_id,
            "status": Status.PLANNED,
            "msg_param": text.msg_param,
            "preview": preview_of(text),
            "earlier": tuple(kept.get("earlier", ())),
            "approval": Approval() if kept.get("approval") else None,
            "stops": tuple(PlanStop(**one | {"code": StopCode(one["code"])}) for one in kept.get("stops", ())),
            "valid_until": parse_time(until) if until else None,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRefusal(JsonValue):
    """What DingTalk answered to sends that it refused, and to how many people they were."""

    code: str
    reason: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionResult(JsonValue):
    """Where a correction stands. People: `sent`, `not_reached`, `unknown`, `refused`, `cancelled`, `pending` add up.

    `sent` reached, as far as DingTalk says; `not_reached_by_reason` says whom it named as `invalid`, `flow_controlled`
    or `filtered`, `refusals` what it answered where it refused, the most people first. `calls` are HTTP requests that
    left, or may have; `in_flight` people are in some of them now.
    """

    correction_id: int
    recall_id: int
    status: Status
    people: int
    calls: int
    sent: int
    not_reached: int
    unknown: int
    refused: int
    cancelled: int
    pending: int
    skipped: int
    skipped_by_reason: Mapping[str, int]
    campaign: str
    msg_key: str
    msg_param: str
    reason: str
    actor: str
    error: Mapping[str, str] | None
    not_reached_by_reason: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[SendRefusal, ...] = ()
    in_flight: int = 0
    approval: Approval | None = None
    planned_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_complete(self) -> bool:
        """True when everybody got it."""
        return self.status is Status.FINISHED and self.sent == self.people
