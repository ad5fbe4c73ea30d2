"""Recalls as lines of a list: where each stands, with what was asked for and whom its plan reached."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ledger.core.access.roles import Identity, Permission
from ledger.core.named import Meant, meant_by
from ledger.core.recalls.recall import Result, Status
from ledger.services.reports.courses import first_deadline
from ledger.services.reports.pages import Pages
from ledger.store.database import Database
from ledger.store.recalls import queue, recalls

_HAVE_TO_LOSE = (Status.PLANNED, Status.RUNNING, Status.PAUSED)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallLine:
    """A recall, what was selected, and how many people its plan reached; None of a plan that did not say."""

    result: Result
    selection: Mapping[str, Any]
    people: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRecall:
    """What a recall is on: what its plan took, so many messages of it, and how many people these reached.

    `eligible` and `recipients` are called as in a plan; `recipients` is None of a plan that did not say.
    """

    meant: tuple[Meant, ...]
    eligible: int
    recipients: int | None


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

    def named(self, recall_ids: Collection[int]) -> dict[int, NamedRecall]:
        """Return what each of these recalls is on."""
        with self._database.read() as connection:
            return {one.id: _named(one) for one in recalls.of_numbers(connection, list(recall_ids))}

    def first_lost(self, results: Iterable[Result]) -> dict[int, datetime]:
        """Return when recalls lose the first message that waits in them, of those that have any left to lose."""
        with self._database.read() as connection:
            made = recalls.of_numbers(connection, [one.recall_id for one in results if one.status in _HAVE_TO_LOSE])
            lost = {one.id: first_deadline(connection, one, queue.apis_of(connection, one.id)) for one in made}
        return {number: at for number, at in lost.items() if at is not None}

    def closing(self, before: datetime, *, limit: int) -> list[int]:
        """Return which of the latest paused recalls lose a message before a moment, the nearest first."""
        with self._database.read() as connection:
            paused = recalls.paused(connection, limit)
            lost = [(first_deadline(connection, one, queue.apis_of(connection, one.id)), one.id) for one in paused]
        return [number for at, number in sorted((at, number) for at, number in lost if at is not None and at < before)]

    def waiting_for(self, who: Identity, *, limit: int) -> list[Result]:
        """Return what waits for somebody: to agree to, to review, to plan again, or to fix and resume.

        It is what they may do, no more, and only what they asked for is theirs to plan again. What loses its first
        message soonest comes first.
        """
        found: list[Result] = []
        requests = self._pages.requests(limit=limit, who=who)
        if who.may(Permission.APPROVE):
            found += [one for one in requests.waiting if _asked_by(one) != who.name]
            found += [
                one
                for one in self._pages.to_review(limit=limit, who=who)
                if one.break_glass is not None and one.break_glass.broken_by != who.name
            ]
        if who.may(Permission.RECALL):
            found += [one for one in requests.stale if _asked_by(one) == who.name]
            known = {one.recall_id for one in found}
            paused = self._pages.recalls(statuses=(Status.PAUSED,), limit=limit, who=who).values
            found += [one for one in paused if one.recall_id not in known]
        lost = self.first_lost(found)
        return sorted(found, key=lambda one: lost.get(one.recall_id, NEVER))[:limit]


def _named(recall: recalls.Recall) -> NamedRecall:
    counted = recall.plan.get("by_campaign")
    taken = None if counted is None else [one["campaign"] for one in counted]
    return NamedRecall(
        meant=meant_by(recall.selection, taken),
        eligible=recall.plan.get("eligible", 0),
        recipients=recall.plan.get("recipients"),
    )


def _asked_by(result: Result) -> str | None:
    return result.approval.requested_by if result.approval is not None else None
