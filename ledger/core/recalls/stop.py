"""What would stop a recall that is about to start, as far as that is known without asking DingTalk."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ledger.core.json_value import JsonValue


class StopCode(StrEnum):
    """What stands in the way. Those that name a pause are why other recalls of the same app are paused now."""

    APPROVAL_NEEDED = "approval_needed"
    QUOTA_SHORT = "quota_short"
    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    QUOTA_USED_UP = "quota_used_up"
    PROXY = "proxy"
    CERTIFICATE = "certificate"
    ROBOT_UNCONFIGURED = "robot_unconfigured"
    WORKER_ABSENT = "worker_absent"
    DATABASE_READ_ONLY = "database_read_only"


# Why a recall is paused that would pause the next one of the same app as well.
OF_PAUSES = frozenset(
    (
        StopCode.CREDENTIALS,
        StopCode.PERMISSION,
        StopCode.ADDRESS_NOT_ALLOWED,
        StopCode.QUOTA_USED_UP,
        StopCode.PROXY,
        StopCode.CERTIFICATE,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStop(JsonValue):
    """One thing that would stop a recall, or a part of it, with what to do; `app` and `recall_id` say where it is.

    What is known from another recall's pause is known since `since`, and may be over.
    """

    code: StopCode
    text: str
    app: str | None = None
    recall_id: int | None = None
    since: datetime | None = None
