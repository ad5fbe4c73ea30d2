"""Tagging later: what was recorded without a campaign, or with a wrong one, is put under another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.json_value import JsonValue
from ledger.core.limits import check_reason, check_text
from ledger.core.recalls.selection import Selection
from ledger.errors import EmptySelectionError, InputError
from ledger.store.audit import commitments, history
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recording.tagging import TaggingStep, tag_messages, tag_sends

ROWS_PER_TRANSACTION = 1000

TagRows = Callable[..., TaggingStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(JsonValue):
    """How many messages were tagged, and how many were left because they have another campaign already.

    `keyless` and `keyless_left` say the same of sends without key, which can be counted and never recalled.
    """

    tagged: int
    left: int
    keyless: int
    keyless_left: int


class Tagger:
    """Changes the campaign of what the ledger holds; the items of recalls keep what they were."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], None]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    def tag(self, selection: Selection, *, campaign: str, reason: str, actor: str) -> Tagged:
        """Put selected messages and sends without key under a campaign, and say so in the history with their names.

        Those of another campaign are moved when the selection names it, or them. Raise EmptySelectionError, InputError.
        """
        if selection.is_empty:
            raise EmptySelectionError
        if not campaign.strip():
            raise InputError("the campaign is empty: name the one that the messages belong to")
        check_text("the campaign", campaign)
        check_reason("tagging", reason)
        self._catch_up()
        detail = {"campaign": campaign, "reason": reason, "selection": selection.to_json()}
        tagged, left = self._tag(tag_messages, "keys", selection, detail, actor)
        keyless, keyless_left = self._tag(tag_sends, "traces", selection, detail, actor)
        return Tagged(tagged=tagged, left=left, keyless=keyless, keyless_left=keyless_left)

    def _tag(
        self, tag_rows: TagRows, names: str, selection: Selection, detail: Mapping[str, Any], actor: str
    ) -> tuple[int, int]:
        """Return how many rows of a kind were tagged, and how many left."""
        tagged = left = last = 0
        while True:
            step = self._tag_some(tag_rows, names, selection, detail, actor, last)
            tagged, left, last = tagged + len(step.names), left + step.left, step.last
            if step.is_last:
                return tagged, left

    @repeated
    def _tag_some(
        self, tag_rows: TagRows, names: str, selection: Selection, detail: Mapping[str, Any], actor: str, after: int
    ) -> TaggingStep:
        with self._database.write() as connection:
            step = tag_rows(
                connection,
                selection,
                detail["campaign"],
                moves=bool(selection.campaigns or selection.keys),
                after=after,
                limit=ROWS_PER_TRANSACTION,
            )
            if step.names:
                self._note(connection, {**detail, names: step.names, "before": step.before}, actor)
            return step

    def _note(self, connection: Connection, detail: Mapping[str, Any], actor: str) -> None:
        selection = commitments.to_write(connection).selection(detail["selection"])
        detail = {**detail, "selection": selection}
        entry = history.Entry(at=self._clock.now(), event="tagged", actor=actor, recall_id=None, detail=detail)
        history.append(connection, [entry])
