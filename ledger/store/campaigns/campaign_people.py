"""How many people each campaign reached, as it was counted last; and counts by minute that are added up meanwhile."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, text, true

from ledger.store.dialects import insert_into
from ledger.store.persons.people import each_recipient
from ledger.store.schema import campaign_people, message_counts, messages

# What is sorted in memory on PostgreSQL.
_WORK_MEMORY = "SET LOCAL work_mem TO '32MB'"
_KEY, _COUNTED = "campaign, robot_code, minute", "messages, recipients, recipients_unknown, recalled, changes"
_SUMS = ", ".join(f"sum({name})" for name in _COUNTED.split(", "))
# Of a minute of which nothing is left, only how much changed is kept, for as long as the campaign has messages.
_IS_EMPTY = "sum(messages) = 0 AND sum(recipients) = 0 AND sum(recipients_unknown) = 0 AND sum(recalled) = 0"
_ADD_UP = {
    "sqlite": (
        f"""
        INSERT INTO message_counts ({_KEY}, part, {_COUNTED})
        SELECT campaign, robot_code, 0, 0, {_SUMS} FROM message_counts
        WHERE messages = 0 AND recipients = 0 AND recalled = 0 AND minute <> 0 GROUP BY campaign, robot_code
        ON CONFLICT (campaign, robot_code, minute, part) DO UPDATE SET changes = changes + excluded.changes
        """,  # noqa: S608  (names of our own, here and below)
        "DELETE FROM message_counts WHERE messages = 0 AND recipients = 0 AND recalled = 0 AND minute <> 0",
    ),
    "postgresql": (
        f"""
        WITH untidy AS (
            SELECT {_KEY} FROM message_counts GROUP BY {_KEY} HAVING count(*) > 1 OR ({_IS_EMPTY} AND minute <> 0)
        ), gone AS (
            DELETE FROM message_counts WHERE ({_KEY}) IN (SELECT {_KEY} FROM untidy) RETURNING *
        )
        INSERT INTO message_counts ({_KEY}, {_COUNTED})
        SELECT campaign, robot_code, CASE WHEN {_IS_EMPTY} THEN 0 ELSE minute END, {_SUMS} FROM gone GROUP BY {_KEY}
        """,  # noqa: S608
    ),
}
_FORGET = """
    DELETE FROM message_counts
    WHERE campaign IN (SELECT campaign FROM message_counts GROUP BY campaign HAVING max(minute) = 0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPeople:
    """How many people a campaign reached when so much had changed in it, and when that was."""

    people: int
    changes: int
    counted_at: datetime


def add_up_counts(connection: Connection) -> None:
    """Make few rows of what many transactions counted, and forget campaigns of which nothing is left."""
    for statement in _ADD_UP[connection.dialect.name]:
        connection.execute(text(statement))
    connection.execute(text(_FORGET))
    counted = select(message_counts.c.campaign)
    connection.execute(delete(campaign_people).where(campaign_people.c.campaign.not_in(counted)))


def known_people(connection: Connection, robots: Collection[str] = ()) -> dict[str | None, CountedPeople]:
    """Return what was counted last, of messages of some robots or of all, by campaign."""
    columns = campaign_people.c
    statement = select(columns.campaign, columns.people, columns.changes, columns.counted_at)
    return {
        row.campaign or None: CountedPeople(people=row.people, changes=row.changes, counted_at=row.counted_at)
        for row in connection.execute(statement.where(columns.robots == _name_of(robots)))
    }


def count_people_by_campaign(
    connection: Connection, campaigns: Collection[str | None], robots: Collection[str] = ()
) -> dict[str | None, int]:
    """Count the people whom some campaigns reached, each once a campaign, over all of their messages."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.exec_driver_sql(_WORK_MEMORY)
    each, user = each_recipient(is_sqlite=is_sqlite)
    columns, found = messages.c, dict.fromkeys(campaigns, 0)
    tagged = sorted(campaign for campaign in campaigns if campaign is not None)
    chosen = [columns.campaign.in_(tagged)] if tagged else []
    chosen += [columns.campaign.is_(None)] if None in found else []
    for mine in chosen:
        within = columns.robot_code.in_(sorted(robots)) if robots else true()
        pairs = select(columns.campaign, user.label("person")).select_from(messages.join(each, true()))
        people = pairs.where(mine, within).group_by(columns.campaign, user).subquery()
        counted = select(people.c.campaign, func.count().label("people")).group_by(people.c.campaign)
        found |= {row.campaign: row.people for row in connection.execute(counted)}
    return found


def keep_people(connection: Connection, robots: Collection[str], counted: Mapping[str | None, CountedPeople]) -> None:
    """Keep what was counted, in place of what was known."""
    statement = insert_into(connection, campaign_people)
    taken = {name: statement.excluded[name] for name in ("changes", "people", "counted_at")}
    rows = [
        {
            "campaign": campaign or "",
            "robots": _name_of(robots),
            "changes": one.changes,
            "people": one.people,
            "counted_at": one.counted_at,
        }
        for campaign, one in sorted(counted.items(), key=lambda pair: pair[0] or "")
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=["campaign", "robots"], set_=taken), rows)


def _name_of(robots: Collection[str]) -> str:
    return "\n".join(sorted(robots))
