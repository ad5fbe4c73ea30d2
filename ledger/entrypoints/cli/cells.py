"""Items as the cells of a CSV file; values are verbatim, lists joined by spaces."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.core.recall import Item

# What contract and JSON call them; what they hold beyond that is in the JSON.
COLUMNS = (
    "process_query_key",
    "robot_code",
    "campaign",
    "sent_at",
    "deadline",
    "recipients",
    "outcome",
    "code",
    "reason",
    "attempts",
    "recall_id",
    "actor",
    "finished_at",
    "undelivered",
)


def cells(item: "Item") -> list[object]:
    """Return an item's cells in the order of COLUMNS; what is not there is empty."""
    undelivered = " ".join(f"{why}:{user}" for why, users in item.undelivered.items() for user in users)
    fields = item.to_json() | {"recipients": " ".join(item.recipients), "undelivered": undelivered}
    return [fields[name] for name in COLUMNS]
