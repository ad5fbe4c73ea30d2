"""What the latest check of the history found of one recall: what is shown of it and is not what the history says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core.json_value import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute(JsonValue):
    """A value, or a row, that is not what the history says; the words are those of a `Finding`.

    What was shown at that time is not kept: it is what stands there, and it may name people.
    """

    kind: str
    what: str
    key: str | None
    field: str | None
    history_says: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputes(JsonValue):
    """What is disputed of one recall, as of a check; unless `are_all`, that check found more than was kept."""

    checked_at: datetime
    values: tuple[Dispute, ...]
    are_all: bool

    def of(self, what: str, key: str) -> list[Dispute]:
        """Return what is disputed of one of its rows."""
        return [one for one in self.values if one.what == what and one.key == key]
