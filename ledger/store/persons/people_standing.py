"""What stays the same as long as the people of a recall, or of campaigns, stand where they do.

What changes items, or tells of messages that are gone by other hands, is an entry of the history, in the same
transaction; what becomes items is counted until then, and what changes messages with them; what renames people makes
another secret.
"""

from sqlalchemy import Connection, func, select

from ledger.core.recalls.selection import Selection
from ledger.store.campaigns.campaigns import Changes, changes_of
from ledger.store.recalls.holding import AT_WORK
from ledger.store.recalls.recalls import Recall
from ledger.store.schema import history, person_secrets, recalls

# The latest entry and secret, how much ever changed in the messages, and how many are to become items.
Standing = tuple[int, int, Changes, int]
_NONE: Changes = (0, 0)


def of_recall(connection: Connection, recall: Recall) -> Standing | None:
    """Return it for a recall; None while any of its messages is to be frozen, of which nothing tells."""
    if recall.unfrozen_items:
        return None
    return _latest_entry(connection, recall.id), _latest_secret(connection), _NONE, 0


def of_selection(connection: Connection, selection: Selection) -> Standing | None:
    """Return it for campaigns; None for another selection."""
    only_campaigns = Selection(
        campaigns=selection.campaigns, within=selection.within, within_campaigns=selection.within_campaigns
    )
    if not selection.campaigns or selection != only_campaigns:
        return None
    coming = connection.scalar(select(func.sum(recalls.c.unfrozen_items)).where(recalls.c.status.in_(AT_WORK)))
    return (
        _latest_entry(connection),
        _latest_secret(connection),
        changes_of(connection, selection.campaigns),
        int(coming or 0),
    )


def _latest_entry(connection: Connection, recall_id: int | None = None) -> int:
    latest = select(func.max(history.c.id))
    return connection.scalar(latest if recall_id is None else latest.where(history.c.recall_id == recall_id)) or 0


def _latest_secret(connection: Connection) -> int:
    return connection.scalar(select(func.max(person_secrets.c.id))) or 0
