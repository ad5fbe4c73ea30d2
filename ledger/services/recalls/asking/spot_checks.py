"""Spot checks: some of the messages that a recall took back, drawn anew each time, are asked about once more."""

import random
from collections.abc import Sequence
from functools import partial

from ledger.clock import Clock
from ledger.core.readers.read_status import SendStatus, read_page
from ledger.core.recalls.spot_check import CHECKED, CONTRADICTED, SpotCheck
from ledger.services.recalls.asking.inquiries import AGAIN, MOST_ASKS, Inquirer, Inquiry, Question
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import doubts, recalls

AskedItem = tuple[doubts.Recalled, Inquiry]


class SpotChecker:
    """Asks whether recalled messages are gone."""

    def __init__(self, database: Database, clock: Clock, inquirer: Inquirer) -> None:
        self._database, self._clock, self._inquirer = database, clock, inquirer

    def cost(self, recall_id: int, sample: int) -> int:
        """Return how many calls it takes to check so many of a recall's recalled messages, or all that there are."""
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return doubts.count_recalled(connection, recall_id, self._clock.now(), at_most=sample)

    def draw(self, recall_id: int, sample: int) -> list[doubts.Recalled]:
        """Draw by lot so many of what a recall took back, or all that there are.

        Whoever settles doubts as well draws first: what is found recalled by that has just been asked.
        """
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            every = doubts.recalled(connection, recall_id, self._clock.now())
        return random.SystemRandom().sample(every, min(sample, len(every)))

    def run(self, recall_id: int, drawn: Sequence[doubts.Recalled], *, actor: str) -> SpotCheck:
        """Ask of what was drawn whether it is gone; raise PausedError when somebody must fix something first."""
        waiting = list(drawn)
        found = SpotCheck(asked=len(waiting), gone=0, still_there=0)
        for _ in range(MOST_ASKS):
            again: list[doubts.Recalled] = []
            while waiting:
                batch = waiting[: self._inquirer.at_once]
                asks = [Question(route=one.route, process_query_key=one.process_query_key) for one in batch]
                asked = list(zip(batch, self._inquirer.ask(asks), strict=False))
                waiting = waiting[len(asked) :]
                found = self._write(recall_id, asked, actor, found)
                for _one, inquiry in asked:
                    if inquiry.error is not None:
                        raise inquiry.error
                again += [one for one, inquiry in asked if inquiry.reading.verdict in AGAIN]
            waiting = again
        return found

    def _write(self, recall_id: int, asked: Sequence[AskedItem], actor: str, before: SpotCheck) -> SpotCheck:
        """Say in the history what was found, and add it up."""
        said = [(one, read_page(one.route.chat, inquiry.answer).status) for one, inquiry in asked]
        gone = [one.item_id for one, status in said if status is SendStatus.RECALLED]
        there = [[one.item_id, one.process_query_key, status] for one, status in said if status is SendStatus.SUCCESS]
        entry = partial(history.Entry, at=self._clock.now(), actor=actor, recall_id=recall_id)
        entries = [entry(event=CHECKED, detail={"gone": gone, "asked": len(said)})]
        if there:
            entries.append(entry(event=CONTRADICTED, detail={"still_there": there}))
        with self._database.write() as connection:
            history.append(connection, entries)
        return SpotCheck(asked=before.asked, gone=before.gone + len(gone), still_there=before.still_there + len(there))
