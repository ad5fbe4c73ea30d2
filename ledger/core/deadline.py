"""How long a message can be recalled, and how near its end it is.

Source: open.dingtalk.com, "recall one-on-one bot messages in batches": within 24 hours after sending. The page for
groups states no window, so it comes from a setting that never exceeds 24 hours.
"""

from datetime import datetime, timedelta

from ledger.core.recording.message import Chat

WINDOW = timedelta(hours=24)


def deadline_of(sent_at: datetime, chat: Chat, group_window: timedelta = WINDOW) -> datetime:
    """Return the first moment at which the message can no longer be recalled."""
    return sent_at + (WINDOW if chat is Chat.ONE_TO_ONE else min(group_window, WINDOW))


def is_past(deadline: datetime, now: datetime) -> bool:
    """Say whether it is too late; whether the very last instant counts is undocumented, so it does not."""
    return now >= deadline


def is_risky(deadline: datetime, now: datetime, margin: timedelta) -> bool:
    """Say whether the deadline may pass while the call is on its way."""
    return not is_past(deadline, now) and now >= deadline - margin
