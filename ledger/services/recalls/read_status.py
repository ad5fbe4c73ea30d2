"""Settling what ended unknown or partial by asking for the read status, one call of the quota a key."""

from collections.abc import Sequence
from datetime import datetime

from ledger.clock import Clock
from ledger.core.key_results import KeyReading
from ledger.core.read_status import settle_by_status
from ledger.core.recall import Result
from ledger.services.recalls.inquiries import AGAIN, MOST_ASKS, Inquirer, Inquiry, Question
from ledger.services.reports.recalls import RecallReports
from ledger.store import history, items, recalls
from ledger.store.database import Database

AskedItems = list[tuple[items.Doubtful, Inquiry]]


class DoubtSettler:
    """Asks DingTalk what became of messages."""

    def __init__(self, database: Database, clock: Clock, inquirer: Inquirer, reports: RecallReports) -> None:
        self._database, self._clock, self._inquirer, self._reports = database, clock, inquirer, reports

    def cost(self, recall_id: int) -> int:
        """Return how many calls of the quota it takes to settle a recall's unknowns and partials."""
        return len(self._doubtful(recall_id))

    def run(self, recall_id: int, *, actor: str) -> Result:
        """Settle what can be settled; raise PausedError when somebody must fix something first."""
        waiting = self._doubtful(recall_id)
        for _ in range(MOST_ASKS):
            again: list[items.Doubtful] = []
            while waiting:
                batch = waiting[: self._inquirer.at_once]
                asked = list(zip(batch, self._inquirer.ask([question_of(one) for one in batch]), strict=False))
                waiting = waiting[len(asked) :]
                again += self._settle(recall_id, actor, asked)
            waiting = again
            if not waiting:
                break
        return self._reports.result(recall_id)

    def _doubtful(self, recall_id: int) -> list[items.Doubtful]:
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return items.doubtful(connection, recall_id, self._clock.now())

    def _settle(self, recall_id: int, actor: str, asked: AskedItems) -> list[items.Doubtful]:
        """Write down what became clear; return what has to be asked again."""
        settled: list[tuple[items.Doubtful, KeyReading]] = []
        for item, inquiry in asked:
            reading = settle_by_status(item.outcome, inquiry.answer)
            if reading is not None:
                settled.append((item, reading))
        self._write(recall_id, actor, settled, self._clock.now())
        for _, inquiry in asked:
            if inquiry.error is not None:
                raise inquiry.error
        return [item for item, inquiry in asked if inquiry.reading.verdict in AGAIN]

    def _write(
        self, recall_id: int, actor: str, settled: Sequence[tuple[items.Doubtful, KeyReading]], now: datetime
    ) -> None:
        with self._database.write() as connection:
            ended = [items.correct(connection, one, reading, actor) for one, reading in settled]
            facts = [one for one in ended if one is not None]
            history.append(connection, history.ended_entries(recall_id, actor, "verified", facts, now))


def question_of(item: items.Doubtful) -> Question:
    """Return the question what became of an item."""
    return Question(route=item.route, process_query_key=item.process_query_key)
