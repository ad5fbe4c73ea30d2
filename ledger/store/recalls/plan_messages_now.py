"""What the messages that a plan saw are by now, counted by campaign."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from ledger.store.recording.selecting import among
from ledger.store.schema import messages


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignNow:
    """How many of some messages are of a campaign, how many of these are within their deadline, and deliveries."""

    campaign: str | None
    messages: int
    within: int
    deliveries: int


def count_by_campaign(connection: Connection, ids: Collection[int], now: datetime) -> list[CampaignNow]:
    """Count messages by their campaign; those that were purged are not there."""
    is_sqlite = connection.dialect.name == "sqlite"
    size = func.json_array_length(messages.c.recipients) if is_sqlite else func.cardinality(messages.c.recipients)
    within = func.sum(case((messages.c.deadline > now, 1), else_=0))
    counted = select(messages.c.campaign, func.count().label("n"), within.label("within"), func.sum(size).label("size"))
    rows = connection.execute(
        counted.where(among(messages.c.id, list(ids), is_sqlite=is_sqlite)).group_by(messages.c.campaign)
    )
    return [
        CampaignNow(campaign=row.campaign, messages=row.n, within=int(row.within), deliveries=int(row.size or 0))
        for row in rows
    ]
