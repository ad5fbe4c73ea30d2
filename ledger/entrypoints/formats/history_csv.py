"""Items as CSV; values are verbatim, lists joined by spaces."""

import csv
import io
from collections.abc import Iterator, Sequence
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


def written_as_csv(first: "Sequence[Item]", rest: "Iterator[Sequence[Item]]") -> Iterator[str]:
    """Write RFC 4180: lines end in CR LF, values are verbatim."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    writer.writerows(map(cells, first))
    yield buffer.getvalue()
    for items in rest:
        buffer.seek(0)
        buffer.truncate()
        writer.writerows(map(cells, items))
        yield buffer.getvalue()
