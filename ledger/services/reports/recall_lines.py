"""Recalls as lines of a list: where each stands, with what was asked for and whom its plan reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core.access.roles import Identity, Permission
from ledger.core.recalls.recall import Result, Status
from ledger.services.reports.pages import Pages
from ledger.store.database import Database
from ledger.store.recalls import recalls


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallLine:
    """A recall, what was selected, and how many people its plan reached; None of a plan that did not say."""

    result: Result
    selection: Mapping[str, Any]
    people: int | None


class RecallLines:
    """Reads lines."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database, self._pages = database, pages

    def of(self, results: Sequence[Result]) -> list[RecallLine]:
        """Return the lines of recalls, in the same order."""
        with self._database.read() as connection:
            made = {one.id: one for one in recalls.of_numbers(connection, [one.recall_id for one in results])}
        return [
            RecallLine(
                result=result,
                selection=made[result.recall_id].selection,
                people=made[result.recall_id].plan.get("recipients"),
            )
            for result in results
            if result.recall_id in made
        ]

    def waiting_for(self, who: Identity, *, limit: int) -> list[Result]:
        """Return what waits for somebody: to agree to, to review, or to fix and resume; what they may do, no more."""
        found: list[Result] = []
        if who.may(Permission.APPROVE):
            found += [
                one
                for one in self._pages.waiting(limit=limit, who=who)
                if one.approval is not None and one.approval.requested_by != who.name
            ]
            found += [
                one
                for one in self._pages.to_review(limit=limit, who=who)
                if one.break_glass is not None and one.break_glass.broken_by != who.name
            ]
        if who.may(Permission.RECALL):
            known = {one.recall_id for one in found}
            paused = self._pages.recalls(statuses=(Status.PAUSED,), limit=limit, who=who).values
            found += [one for one in paused if one.recall_id not in known]
        return found[:limit]
