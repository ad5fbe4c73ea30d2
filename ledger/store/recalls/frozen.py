"""Which columns of items and skips never change once they are frozen, and the facts that prove it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.core.recalls.frozen import FrozenDigest
from ledger.store.audit.commitments import Columns, Committer
from ledger.store.schema import recall_skips

FROZEN_OF_ITEM = (
    *("id", "message_id", "app", "chat", "robot_code", "open_conversation_id", "process_query_key"),
    *("campaign", "source", "sent_at", "deadline", "recipients", "undelivered"),
)
FROZEN_OF_SKIP = tuple(column.name for column in recall_skips.c if column.name != "recall_id")
_MESSAGE, _RECIPIENTS = FROZEN_OF_ITEM.index("message_id"), FROZEN_OF_ITEM.index("recipients")


def fact_of(names: Sequence[str], columns: Columns, committer: Committer, *, of: int) -> Mapping[str, Any]:
    """Return the facts of some rows, by column, of a recall that has `of` of them; their numbers come first."""
    frozen = FrozenDigest(columns=names, expected_rows=of)
    frozen.add_columns(committer.covered(names, columns))
    span = [columns[0][0], columns[0][-1]] if columns else []
    return {**frozen.to_fact(), "of": of, "ids": span}


def sizes_of(items: Columns) -> dict[int, int]:
    """Return how many people got the message of each of some items, which come by column, by message."""
    return dict(zip(items[_MESSAGE], map(len, items[_RECIPIENTS]), strict=True)) if items else {}
