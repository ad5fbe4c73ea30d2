"""Whether anybody listens to what DingTalk pushes, and how many pushes of the month are left."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.core.check_up import Check, Fact, failed, ok, warning
from ledger.core.events.stream_state import GONE_AFTER, StreamStanding
from ledger.core.json_value import printable
from ledger.core.recalls.quota import month_of
from ledger.dingtalk.stream import EXTRA, is_installed
from ledger.settings import Settings
from ledger.store.events import streams
from ledger.store.events.message_events import used_pushes

MOST_APPS = 3


def look(name: str, connection: Connection, settings: Settings, now: datetime) -> Check:
    """Say how the connections of all processes stand."""
    if not settings.stream:
        return ok(name, "not listened to: LEDGER_STREAM=on does, and each event is one of the month's pushes")
    if not is_installed():
        return failed(name, EXTRA)
    said = streams.listed(connection, now - GONE_AFTER)
    used, limit = used_pushes(connection, month_of(now)), settings.stream_monthly_events
    message = f"{used:,} of the {limit:,} pushes that may be used of the month are"
    facts: dict[str, Fact] = {"used_pushes": used, "limit_pushes": limit}
    states = [one.state for one in said]
    heard = {state.app for state in states if state.standing is StreamStanding.CONNECTED}
    deaf = [app for app in settings.app_names if app not in heard]
    if used >= limit or any(state.standing is StreamStanding.USED_UP for state in states if state.app in deaf):
        fix = "raise LEDGER_STREAM_MONTHLY_EVENTS if there are more; it listens again with the next month"
        return warning(name, f"{message}: no connection is held. {fix}", **facts)
    if not states:
        return failed(name, f"{message}; nobody listens: start `ledger worker` or `ledger serve`", **facts)
    if deaf:
        why = {state.app: printable(state.error or "") for state in states if state.app in deaf}
        found = "; ".join(f"{printable(app)}: {why.get(app, 'nobody listens')}" for app in deaf[:MOST_APPS])
        more = f" and {len(deaf) - MOST_APPS:,} more" if len(deaf) > MOST_APPS else ""
        return failed(name, f"{message}; no events of app {found}{more}", **facts)
    holders = "1 connection" if len(states) == 1 else f"{len(states):,} connections"
    return ok(name, f"{message}, by {holders}", **facts)
