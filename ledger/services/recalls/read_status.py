"""Inquiring: settling what ended unknown or partial by asking for the read status, one call of the quota a key."""

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer, is_throttled, is_token_refused, read_refusal
from ledger.core.key_results import KeyReading
from ledger.core.message import AppName
from ledger.core.pace import reserve
from ledger.core.quota import month_of
from ledger.core.read_status import READ_STATUS_API, settle_by_status
from ledger.core.recall import Result
from ledger.dingtalk.caller import Caller
from ledger.services.recalls.pace_clock import PaceClock
from ledger.services.reports.recalls import RecallReports
from ledger.settings import Settings
from ledger.store import history, items, paces, recalls, usage
from ledger.store.database import Database

MOST_ASKS = 3

AnsweredInquiry = tuple[items.Doubtful, Answer | NoAnswer]


class Inquirer:
    """Asks DingTalk what became of messages."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        executor: Executor,
        reports: RecallReports,
    ) -> None:
        self._database, self._caller, self._clock, self._settings = database, caller, clock, settings
        self._pace_clock, self._executor, self._reports = pace_clock, executor, reports

    def cost(self, recall_id: int) -> int:
        """Return how many calls of the quota it takes to settle a recall's unknowns and partials."""
        return len(self._doubtful(recall_id))

    def run(self, recall_id: int, *, actor: str) -> Result:
        """Settle what can be settled; raise PausedError when somebody must fix something first."""
        waiting = self._doubtful(recall_id)
        for _ in range(MOST_ASKS):
            again: list[items.Doubtful] = []
            while waiting:
                batch = waiting[: self._settings.calls_in_flight]
                waiting = waiting[len(batch) :]
                again += self._settle(recall_id, actor, self._ask(batch))
            waiting = again
            if not waiting:
                break
        return self._reports.result(recall_id)

    def _doubtful(self, recall_id: int) -> list[items.Doubtful]:
        with self._database.read() as connection:
            recalls.get(connection, recall_id)
            return items.doubtful(connection, recall_id, self._clock.now())

    def _ask(self, batch: Sequence[items.Doubtful]) -> list[AnsweredInquiry]:
        futures = []
        for one in batch:
            # One after the other: nobody reserves further ahead than the next call.
            self._clock.sleep(self._reserve(one.app) - self._clock.monotonic())
            futures.append(self._executor.submit(self._ask_one, one))
        return [(one, future.result()) for one, future in zip(batch, futures, strict=True)]

    def _reserve(self, app: AppName) -> float:
        """Return when the next call may leave, in seconds of the even clock."""
        with self._database.write() as connection:
            self._pace_clock.look(connection, may_write=True)
            pace = paces.lock_pace(connection, app, READ_STATUS_API)
            soonest = self._pace_clock.held_until or self._pace_clock.now()
            slot, after = reserve(pace, soonest, self._settings.rate_of(app))
            paces.save_pace(connection, app, READ_STATUS_API, after)
            usage.count_usage(connection, app, month_of(self._clock.now()), 1)
        return self._pace_clock.monotonic_of(slot)

    def _ask_one(self, one: items.Doubtful) -> Answer | NoAnswer:
        return self._caller.read_status(one.app, one.robot_code, one.process_query_key)

    def _settle(self, recall_id: int, actor: str, asked: Sequence[AnsweredInquiry]) -> list[items.Doubtful]:
        """Write down what became clear; return what has to be asked again."""
        now = self._clock.now()
        settled: list[tuple[items.Doubtful, KeyReading]] = []
        again: list[items.Doubtful] = []
        for one, answer in asked:
            reading = settle_by_status(one.outcome, answer)
            if reading is not None:
                settled.append((one, reading))
            elif isinstance(answer, Answer):
                if is_throttled(answer) or is_token_refused(answer):
                    again.append(one)
                elif (error := read_refusal(answer)) is not None:
                    self._write(recall_id, actor, settled, now)
                    raise error
        self._write(recall_id, actor, settled, now)
        return again

    def _write(
        self, recall_id: int, actor: str, settled: Sequence[tuple[items.Doubtful, KeyReading]], now: datetime
    ) -> None:
        with self._database.write() as connection:
            ended = [items.correct(connection, one, reading, actor) for one, reading in settled]
            facts = [one for one in ended if one is not None]
            history.append(connection, history.ended_entries(recall_id, actor, "verified", facts, now))
