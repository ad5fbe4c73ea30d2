"""Messages that other hands have taken back, as far as it is certain that nobody has them any more.

DingTalk's pages do not say whose id the event of a recall names: who recalled, or who lost the message. Where several
people got a copy of their own, one event may therefore speak of one copy alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ledger.core.recording.message import Chat

# What tells of it, beside the events that DingTalk pushes.
READ_STATUS = "read status"


def cause_of_event(event_id: str) -> str:
    """Say which event told of a recall by other hands."""
    return f"event {event_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGone:
    """A message that no recall of ours was at, and the users whom events of its recall have named, None for nobody."""

    message_id: int
    robot_code: str
    process_query_key: str
    chat: Chat
    recipients: Sequence[str]
    users: Collection[str | None]
    cause: str

    @property
    def is_gone(self) -> bool:
        """Say whether nobody has it any more, whoever it is that its events name.

        A conversation has one copy, which all see. Of one-on-one messages each recipient has one: a single copy is the
        one that was recalled, of several each has to be named. Of whom nobody knows, somebody may have it.
        """
        if self.cause == READ_STATUS or self.chat is not Chat.ONE_TO_ONE or len(self.recipients) == 1:
            return True
        return bool(self.recipients) and set(self.recipients) <= set(self.users)
