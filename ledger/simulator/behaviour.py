"""How the pretend DingTalk behaves where the documentation leaves a choice, and how it misbehaves on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

DAY_SECONDS = 24 * 3600.0


class BadKey(StrEnum):
    """What a key that cannot be recalled does to the call that carries it."""

    WHOLE_CALL_400 = "whole_call_400"
    IN_FAILED_RESULT = "in_failed_result"


class SecondRecall(StrEnum):
    """What the recall of a key that was recalled already answers."""

    SUCCESS = "success"
    FAILED_RESULT = "failed_result"
    INVALID_KEY_400 = "invalid_key_400"


class ReadsAfterRecall(StrEnum):
    """What is told of who has read a message that was recalled."""

    READERS = "readers"
    NOBODY = "nobody"
    EXPIRED_400 = "expired_400"


class BanForm(StrEnum):
    """How a banned address is answered."""

    HTML = "html"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedReason:
    """A reason to answer verbatim in `failedResult`, for the first `times` asks of the key, or for all of them."""

    reason: str
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The whole conduct as one value; the defaults are what the documentation says of a standard edition."""

    bad_key: BadKey = BadKey.WHOLE_CALL_400
    second_recall: SecondRecall = SecondRecall.SUCCESS
    second_recall_reason: str = "message has been recalled"
    not_ready_seconds: float = 0.0
    """A key asked for within this time after its send is refused with `not_ready_code`; later it is not."""
    not_ready_code: str = "invalid.processQueryKey"
    recall_window_seconds: float = DAY_SECONDS
    group_recall_window_seconds: float | None = DAY_SECONDS
    """None lifts the window, since the page of the group recall states none."""
    last_instant_counts: bool = True
    """Whether a message that is exactly as old as the window can still be recalled."""
    silent_keys: frozenset[str] = frozenset()
    """Keys that are named in neither list of the answer."""
    silent_next: int = 0
    """How many of the next keys are named in neither list."""
    silent_keys_are_recalled: bool = False
    failed_reasons: Mapping[str, FailedReason] = field(default_factory=dict)
    """By key; the key `*` stands for every key that is not named."""
    null_fields: bool = False
    """Answer null for an empty successResult or failedResult, and for whatever is empty in who has read a message."""
    capitalised_error_fields: bool = False

    card_results_are_nested: bool = True
    """Whether createAndDeliver answers as the SDK has it, or with a bare list as its page shows."""
    failed_spaces: frozenset[str] = frozenset()
    """Ids of spaces that a card cannot be delivered to, while the call succeeds."""

    latency_seconds: float = 0.0
    calls_per_second: int | None = 20
    """Per app and API path, in any one-second window; None switches the limit off."""
    throttle_code: str = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
    monthly_quota: int | None = 5000
    """Calls of one organisation in a calendar month of China's time; None switches the quota off."""
    ban_after_calls: int | None = 10_000
    """An address that makes this many calls within `ban_window_seconds` is banned; None switches the ban off."""
    ban_window_seconds: float = 20.0
    ban_seconds: float = 300.0
    ban_form: BanForm = BanForm.HTML
    ban_status: int = 200

    token_seconds: int = 7200
    token_renews_itself: bool = True
    """Whether asking again gives the same token its whole life back; if not, `expireIn` is what is left of it."""
    refuse_tokens: bool = False
    bad_token_status: int = 400
    bad_token_code: str = "InvalidAuthentication"  # noqa: S105 - the code of an error
    permission_missing: bool = False
    ip_refused: bool = False

    unknown_users: frozenset[str] = frozenset()
    """A send to one of these is refused as a whole with staffId.notExisted."""
    illegal_users: frozenset[str] = frozenset()
    """A send to one of these is refused as a whole with illegal.receivers."""
    robots_without_chats: frozenset[str] = frozenset()
    """A one-on-one send of one of these is refused with robot.oto.notExist."""
    unsafe_texts: frozenset[str] = frozenset()
    """A message that holds one of these is refused with contain.unsafe.url."""
    longest_msg_param_bytes: int | None = 15_000
    """A longer msgParam is refused; None lifts the limit, which no page states for one-on-one sends."""
    invalid_users: frozenset[str] = frozenset()
    flow_controlled_users: frozenset[str] = frozenset()
    filtered_users: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    """Users who have read their messages."""
    processing_seconds: float = 0.0
    """How long after its send a message's sendStatus is PROCESSING."""
    misspelt_success: bool = False
    """Write SUCESS, as one documented sample does."""
    reads_after_recall: ReadsAfterRecall = ReadsAfterRecall.READERS
    reads_leave_out: frozenset[str] = frozenset()
    """Fields that are missing in what is told of who has read a message."""
    names_union_ids: bool = False
    """Whether the readers of a message in a group are named by unionId too, as the SDK has it."""
    still_there: frozenset[str] = frozenset()
    """Keys that were recalled, and whose sendStatus says nevertheless that the message is there."""

    stream_duplicates: bool = False
    """Push each event twice."""
    stream_over_quota: bool = False
    """Push events without their content, as once the month's pushes are used up."""
    recall_pushes_events: bool = False
    """Whether a recall by the API pushes an event for each user, which the documentation leaves open."""
