"""The events of which somebody can be told: names for settings, tables and texts."""

from enum import StrEnum


class NoticeEvent(StrEnum):
    """What a notice is about."""

    APPROVAL_WANTED = "approval_wanted"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    BREAK_GLASS = "break_glass"
    CONTRADICTED = "contradicted"  # what is recalled is still there, says DingTalk
    CLOSING = "closing"  # the window of a campaign that somebody watches
    QUOTA = "quota"
    SPOOL = "spool"
    REFUSED_ROWS = "refused_rows"
    WORKER = "worker"
    CHECKPOINT = "checkpoint"
    EVENTS = "events"  # no pushes are left to hear of what happens to messages
    TEST = "test"
