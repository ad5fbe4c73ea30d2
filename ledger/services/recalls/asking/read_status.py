"""Settling what ended unknown or partial by asking for the read status, one call of the quota a key.

What ended without any ask of ours can be asked about too: then somebody else has recalled it, or nobody has.
"""

import random
from collections.abc import Sequence

from ledger.clock import Clock
from ledger.core.key_results import KeyReading
from ledger.core.readers.read_status import SendStatus, read_page, settle_by_status
from ledger.core.recalls.recall import Result
from ledger.services.events.elsewhere_entries import written_down
from ledger.services.recalls.asking.inquiries import AGAIN, MOST_ASKS, Inquirer, Inquiry, Question
from ledger.services.reports.recalls import RecallReports
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.events import elsewhere
from ledger.store.recalls import doubts, recalls
from ledger.store.recalls.unasked import Unasked, unasked

AskedItem = doubts.Doubtful | Unasked


class DoubtSettler:
    """Asks DingTalk what became of messages."""

    def __init__(self, database: Database, clock: Clock, inquirer: Inquirer, reports: RecallReports) -> None:
        self._database, self._clock, self._inquirer, self._reports = database, clock, inquirer, reports

    def cost(self, recall_id: int) -> int:
        """Return how many calls of the quota it takes to settle a recall's unknowns and partials."""
        return len(self._doubtful(recall_id))

    def cost_of_unasked(self, recall_id: int, sample: int) -> int:
        """Return how many calls it takes to ask about so many that ended without any ask of ours, or all of them."""
        return min(sample, len(self._unasked(recall_id)))

    def run(self, recall_id: int, *, actor: str, sample: int = 0) -> Result:
        """Settle what can be settled; raise PausedError when somebody must fix something first.

        Of what ended without any ask of ours, a sample is drawn by lot: what is gone of it, other hands have recalled.
        """
        never = self._unasked(recall_id) if sample else []
        drawn = random.SystemRandom().sample(never, min(sample, len(never)))
        waiting: list[AskedItem] = [*self._doubtful(recall_id), *drawn]
        for _ in range(MOST_ASKS):
            again: list[AskedItem] = []
            while waiting:
                batch = waiting[: self._inquirer.at_once]
                asked = list(zip(batch, self._inquirer.ask([question_of(one) for one in batch]), strict=False))
                waiting = waiting[len(asked) :]
                again += self._settle(recall_id, actor, asked)
            waiting = again
            if not waiting:
                break
        return self._reports.result(recall_id)

    def _doubtful(self, recall_id: int) -> list[doubts.Doubtful]:
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return doubts.doubtful(connection, recall_id, self._clock.now())

    def _unasked(self, recall_id: int) -> list[Unasked]:
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return unasked(connection, recall_id, self._clock.now())

    def _settle(self, recall_id: int, actor: str, asked: Sequence[tuple[AskedItem, Inquiry]]) -> list[AskedItem]:
        """Write down what became clear; return what has to be asked again."""
        settled: list[tuple[doubts.Doubtful, KeyReading]] = []
        gone: list[int] = []
        for item, inquiry in asked:
            if isinstance(item, Unasked):
                if read_page(item.route.chat, inquiry.answer).status is SendStatus.RECALLED:
                    gone.append(item.message_id)
            elif (reading := settle_by_status(item.outcome, inquiry.answer)) is not None:
                settled.append((item, reading))
        self._write(recall_id, actor, settled, gone)
        for _, inquiry in asked:
            if inquiry.error is not None:
                raise inquiry.error
        return [item for item, inquiry in asked if inquiry.reading.verdict in AGAIN]

    def _write(
        self, recall_id: int, actor: str, settled: Sequence[tuple[doubts.Doubtful, KeyReading]], gone: Sequence[int]
    ) -> None:
        now = self._clock.now()
        with self._database.write() as connection:
            ended = [doubts.correct(connection, one, reading, actor) for one, reading in settled]
            facts = [one for one in ended if one is not None]
            entries, _ = written_down(connection, elsewhere.answered_gone(connection, gone), now)
            history.append(connection, [*history.ended_entries(recall_id, actor, "verified", facts, now), *entries])


def question_of(item: AskedItem) -> Question:
    """Return the question what became of an item."""
    return Question(route=item.route, process_query_key=item.process_query_key)
