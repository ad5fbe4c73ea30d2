"""Items as CSV: a row each, or a row for each recipient; lists are joined by spaces."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from ledger.entrypoints.formats.csv_form import VERBATIM, CsvForm, csv_lines

if TYPE_CHECKING:
    from ledger.core.recalls.recall import Item

# What contract and JSON call them. Programs count columns too: what is new comes last.
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
    "recall_reason",
    "approved_by",
    "chat",
    "open_conversation_id",
    "source",
)
# One of the recipients, when each has a row.
USER = "user"


def written_as_csv(
    first: "Sequence[Item]", rest: "Iterator[Sequence[Item]]", form: CsvForm = VERBATIM
) -> Iterator[str]:
    """Write batches of items."""
    columns = (*COLUMNS, USER) if form.per_person else COLUMNS
    batches = ((row for item in items for row in _rows(item, form)) for items in chain([first], rest))
    return csv_lines(columns, batches, form)


def _rows(item: "Item", form: CsvForm) -> Iterator[list[object]]:
    cells = item_cells(item)
    if not form.per_person:
        yield cells
        return
    # A message to a group names nobody, and is a fact all the same.
    for user in item.recipients or ("",):
        yield [*cells, user]


def item_cells(item: "Item") -> list[object]:
    """Return an item's cells in the order of COLUMNS; what is not there is empty."""
    undelivered = " ".join(f"{why}:{user}" for why, users in item.undelivered.items() for user in users)
    fields = item.to_json() | {"recipients": " ".join(item.recipients), "undelivered": undelivered}
    return [fields[name] for name in COLUMNS]
