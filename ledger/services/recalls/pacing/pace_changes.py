"""What answers change of the shared pace: it falls when DingTalk throttles, and comes back with what goes well."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.core.recalls import pace as pacing
from ledger.core.recalls.reply import Reading, Verdict
from ledger.core.recalls.unsent import NOT_SENT
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.store.recalls import paces


def change_paces(
    connection: Connection, pace_clock: PaceClock, readings: Mapping[tuple[str, str], Sequence[Reading]]
) -> None:
    """Change the paces of the apps and APIs of which answers were read."""
    pace_clock.look(connection, may_write=False)
    now = pace_clock.now()
    for (app, api), of_api in sorted(readings.items()):
        # A pace that is whole stays so when all goes well: nobody needs to wait for us.
        if all(one.verdict is Verdict.ANSWERED for one in of_api) and paces.is_whole(connection, app, api):
            continue
        before = paces.lock_pace(connection, app, api)
        after = before
        for reading in of_api:
            after = _paced(after, reading, now)
        if after != before:
            paces.save_pace(connection, app, api, after)
    for reading in (one for of_api in readings.values() for one in of_api):
        if reading.verdict is Verdict.BANNED:
            paces.block_all(connection, now + timedelta(seconds=reading.wait_seconds))


def _paced(pace: pacing.Pace, reading: Reading, now: datetime) -> pacing.Pace:
    """Return the pace after one answer; what found no connection says nothing of how much the API bears."""
    if reading.verdict is Verdict.ANSWERED:
        return pacing.recovered(pace, 1)
    if reading.verdict is Verdict.TROUBLE and reading.code != NOT_SENT:
        return pacing.throttled(pace, now, 0)
    if reading.verdict is Verdict.THROTTLED:
        return pacing.throttled(pace, now, reading.wait_seconds)
    return pace
