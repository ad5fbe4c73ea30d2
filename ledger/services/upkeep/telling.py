"""Whether notices arrive where the settings send them."""

from importlib.util import find_spec

from sqlalchemy import Connection

from ledger.core.check_up import Check, failed, ok, warning
from ledger.core.json_value import printable
from ledger.settings import Settings
from ledger.store.notices import notices
from ledger.store.notices.notices import NoticePlace

MOST_PLACES = 5


def look(name: str, connection: Connection, settings: Settings) -> Check:
    """Say how the places stand that hear of things."""
    places = settings.notice_places
    if not places:
        return ok(name, "nobody is told of anything: set LEDGER_NOTIFY_URLS or LEDGER_WEBHOOK_URLS to change that")
    if settings.notify_urls and find_spec("apprise") is None:
        return failed(name, "LEDGER_NOTIFY_URLS needs an extra: pip install 'dingtalk-ledger[notify]'")
    standing = notices.standing(connection)
    known = [standing[place] for place in places if place in standing]
    if failing := [place for place in known if place.failing_since is not None]:
        which = "; ".join(map(_failing, failing[:MOST_PLACES]))
        return failed(
            name, f"notices do not arrive, and are tried again ({which}): `ledger notify test` when it is fixed"
        )
    if lost := sum(place.given_up for place in known):
        return warning(
            name, f"{lost:,} never arrived in the days that they were tried: `ledger notify places`", given_up=lost
        )
    return ok(name, f"{len(places):,} place{'' if len(places) == 1 else 's'} to tell", places=len(places))


def _failing(place: NoticePlace) -> str:
    return f"{printable(place.name)} since {place.failing_since:%Y-%m-%d %H:%M} UTC: {printable(place.error or '')}"
