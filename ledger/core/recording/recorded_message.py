"""A message as the ledger holds it, for those who look."""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.json_value import JsonValue
from ledger.core.recalls.plan import Standing
from ledger.core.recording.message import Chat


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage(JsonValue):
    """A message as the ledger holds it; `standing` says whether it can be recalled, and if not, why.

    `excerpt` is the beginning of what it says, where that is kept.
    """

    process_query_key: str
    robot_code: str
    campaign: str | None
    sent_at: datetime
    deadline: datetime
    recipients: tuple[str, ...]
    chat: Chat
    open_conversation_id: str | None
    source: str | None
    undelivered: dict[str, list[str]]
    recorded_at: datetime
    standing: Standing
    excerpt: str | None = None
    expires_at: datetime | None = None
