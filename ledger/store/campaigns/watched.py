"""Rows of `watched_campaigns`: of which campaigns somebody wants to hear before they cannot be recalled any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from ledger.core.json_value import JsonValue
from ledger.store.dialects import insert_into
from ledger.store.schema import watched_campaigns


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedCampaign(JsonValue):
    """A campaign that somebody watches: so many seconds before its first deadline, they hear of it."""

    campaign: str
    before_seconds: int
    watched_by: str
    watched_at: datetime


def put(connection: Connection, watched: WatchedCampaign) -> None:
    """Watch a campaign from now on; the latest wish counts."""
    values = {
        "campaign": watched.campaign,
        "before_seconds": watched.before_seconds,
        "watched_by": watched.watched_by,
        "watched_at": watched.watched_at,
    }
    new = insert_into(connection, watched_campaigns).values(values)
    connection.execute(new.on_conflict_do_update(index_elements=["campaign"], set_=values))


def drop(connection: Connection, campaign: str) -> bool:
    """Watch a campaign no more; say whether anybody did."""
    return connection.execute(delete(watched_campaigns).where(watched_campaigns.c.campaign == campaign)).rowcount == 1


def listed(connection: Connection) -> list[WatchedCampaign]:
    """Return the campaigns that somebody watches."""
    rows = connection.execute(select(watched_campaigns).order_by(watched_campaigns.c.campaign))
    return [WatchedCampaign(**row._mapping) for row in rows]
