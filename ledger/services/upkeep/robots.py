"""Which app sends for a recorded robot, and what is recorded of robots that no app is configured for."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from ledger.core.recalls.plan import NO_APP
from ledger.core.recording.message import UNKNOWN, AppName
from ledger.errors import UnknownAppError
from ledger.settings import Settings
from ledger.store.upkeep.figures import count_by_robot


def app_of(settings: Settings, robot: str) -> AppName:
    """Return the app of a recorded robot, NO_APP where none is configured.

    Whoever may record can name any robot: one that nobody knows holds up none of the others.
    """
    try:
        return AppName(settings.app_of(None if robot == UNKNOWN else robot))
    except UnknownAppError:
        return NO_APP


def count_unconfigured(connection: Connection, settings: Settings, now: datetime, at_most: int) -> Mapping[str, int]:
    """Return the messages within their deadline of robots of no app, by robot; `at_most` messages are looked at."""
    if settings.has_app_for_any_robot:
        return {}
    counted = count_by_robot(connection, now, at_most)
    return {robot: count for robot, count in counted.items() if app_of(settings, robot) == NO_APP}
