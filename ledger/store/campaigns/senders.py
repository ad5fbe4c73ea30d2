"""Who sent what can still be recalled: robots and sources of campaigns."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select, true

from ledger.core.campaigns.campaign import CampaignSender
from ledger.core.recording.message import RobotCode
from ledger.store.schema import messages


def campaign_senders(connection: Connection, now: datetime, robots: Collection[RobotCode]) -> list[CampaignSender]:
    """Return them, each once; it reads every message inside its window."""
    columns = (messages.c.campaign, messages.c.robot_code, messages.c.source)
    within = messages.c.robot_code.in_(sorted(robots)) if robots else true()
    statement = select(*columns).where(messages.c.deadline > now, within).distinct()
    return [CampaignSender(**row._mapping) for row in connection.execute(statement)]
