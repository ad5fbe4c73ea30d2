"""What `messages` holds by campaign, counted message by message: slow, and right beyond doubt."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, select

from ledger.core.campaigns.campaign import CampaignLine
from ledger.core.recalls.recall import Outcome
from ledger.store.schema import messages, recall_items


def naive_lines(connection: Connection, now: datetime, robots: Collection[str] = ()) -> list[CampaignLine]:
    """Return a line a campaign, by its name, with the people of each."""
    gone = set(connection.scalars(select(recall_items.c.message_id).where(recall_items.c.outcome == Outcome.RECALLED)))
    by_campaign: dict[str | None, list[Row[tuple[object, ...]]]] = defaultdict(list)
    for row in connection.execute(select(messages)):
        if not robots or row.robot_code in robots:
            by_campaign[row.campaign].append(row)
    return [_line(name, by_campaign[name], now, gone) for name in sorted(by_campaign, key=lambda name: name or "")]


def _line(campaign: str | None, rows: list[Row[tuple[object, ...]]], now: datetime, gone: set[int]) -> CampaignLine:
    left = [row.deadline for row in rows if row.deadline > now and row.id not in gone]
    return CampaignLine(
        campaign=campaign,
        messages=len(rows),
        recipients=sum(len(row.recipients) for row in rows),
        recipients_unknown=sum(_is_to_nobody_known(row) for row in rows),
        recallable=len(left),
        recalled=sum(row.id in gone for row in rows),
        first_deadline=min(left, default=None),
        last_deadline=max(left, default=None),
        people=len({user for row in rows for user in row.recipients}),
    )


def _is_to_nobody_known(row: Row[tuple[object, ...]]) -> bool:
    return bool(row.chat == "one_to_one" and not row.recipients and not row.undelivered)
