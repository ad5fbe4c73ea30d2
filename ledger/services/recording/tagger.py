"""Tagging later: messages that were recorded without a campaign, or with a wrong one, are put under another."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.clock import Clock
from ledger.core.json_value import JsonValue
from ledger.core.limits import check_reason, check_text
from ledger.core.selection import Selection
from ledger.errors import EmptySelectionError, InputError
from ledger.store import history
from ledger.store.database import Database
from ledger.store.tagging import tag_messages

ROWS_PER_TRANSACTION = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(JsonValue):
    """How many messages were tagged, and how many were left because they have another campaign already."""

    tagged: int
    left: int


class Tagger:
    """Changes the campaign of messages that the ledger holds; the items of recalls keep what they were."""

    def __init__(self, database: Database, clock: Clock, catch_up: Callable[[], None]) -> None:
        self._database, self._clock, self._catch_up = database, clock, catch_up

    def tag(self, selection: Selection, *, campaign: str, reason: str, actor: str) -> Tagged:
        """Put selected messages under a campaign, and say so in the history with their keys.

        Those of another campaign are moved when the selection names it, or them. Raise EmptySelectionError, InputError.
        """
        if selection.is_empty:
            raise EmptySelectionError
        if not campaign.strip():
            raise InputError("the campaign is empty: name the one that the messages belong to")
        check_text("the campaign", campaign)
        check_reason("tagging", reason)
        self._catch_up()
        moves = bool(selection.campaigns or selection.keys)
        tagged = left = last = 0
        while True:
            with self._database.write() as connection:
                step = tag_messages(
                    connection, selection, campaign, moves=moves, after=last, limit=ROWS_PER_TRANSACTION
                )
                detail = {
                    "campaign": campaign,
                    "reason": reason,
                    "selection": selection.to_json(),
                    "keys": step.keys,
                    "before": step.before,
                }
                if step.keys:
                    entry = history.Entry(
                        at=self._clock.now(), event="tagged", actor=actor, recall_id=None, detail=detail
                    )
                    history.append(connection, [entry])
            tagged, left, last = tagged + len(step.keys), left + step.left, step.last
            if step.is_last:
                return Tagged(tagged=tagged, left=left)
