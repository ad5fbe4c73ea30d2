"""Questions to DingTalk about single messages: each leaves in a slot of the pace that all share, and counts."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import timedelta

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.readers.read_status import READ_APIS
from ledger.core.recalls import pauses
from ledger.core.recalls.pace import reserve
from ledger.core.recalls.quota import month_of
from ledger.core.recalls.reply import Reading, Verdict, read_inquiry
from ledger.core.recording.message import Route
from ledger.dingtalk.caller import Caller
from ledger.errors import PausedError
from ledger.services.recalls.pacing.pace_changes import change_paces
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.recalls import paces, usage

# What passes by itself is asked again so often in all.
MOST_ASKS = 3
# While a recall waits for as long as it takes, a question can be asked later.
LONGEST_WAIT = timedelta(seconds=60)
AGAIN = (Verdict.THROTTLED, Verdict.RENEW, Verdict.TROUBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who has read one message, and is it there? On a later page, with the token of it."""

    route: Route
    process_query_key: str
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question that was asked: what came back, what that means, and how many calls of the month it cost."""

    question: Question
    answer: Answer | NoAnswer
    reading: Reading
    cost: int

    @property
    def error(self) -> PausedError | None:
        """What somebody has to fix, or wait for, before it is worth asking anything more."""
        if self.reading.verdict is Verdict.BANNED:
            return pauses.held_back(self.reading.wait_seconds)
        return self.reading.error


class Inquirer:
    """Asks; what is asked and counted is written down before it leaves."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        executor: Executor,
    ) -> None:
        self._database, self._caller, self._clock, self._settings = database, caller, clock, settings
        self._pace_clock, self._executor = pace_clock, executor
        self.at_once = settings.calls_in_flight

    def ask(self, questions: Sequence[Question]) -> list[Inquiry]:
        """Ask some questions, as many as may be in flight; return those that left, which are all unless one says why.

        Raise PausedError when none may leave for a while.
        """
        futures: list[tuple[Question, Future[Answer | NoAnswer]]] = []
        for one in questions:
            # One after the other: nobody reserves further ahead than the next call.
            slot = self._reserve(one.route)
            if slot is None:
                break
            self._clock.sleep(slot - self._clock.monotonic())
            ask = self._executor.submit(self._caller.read_status, one.route, one.process_query_key, one.next_token)
            futures.append((one, ask))
        if questions and not futures:
            raise pauses.held_back(self._waits(questions[0].route))
        asked = [_ended(question, future) for question, future in futures]
        self._settle(asked)
        return asked

    def _reserve(self, route: Route) -> float | None:
        """Return when the next call may leave, in seconds of the even clock; None when that is too far away."""
        api = (route.app, READ_APIS[route.chat])
        with self._database.write() as connection:
            self._pace_clock.look(connection, may_write=True)
            pace = paces.lock_pace(connection, *api)
            now = self._pace_clock.now()
            soonest = self._pace_clock.held_until or now
            slot, after = reserve(pace, soonest, self._settings.rate_of(route.app))
            if slot - now > LONGEST_WAIT:
                return None
            paces.save_pace(connection, *api, after)
            usage.count_usage(connection, route.app, month_of(self._clock.now()), 1)
        return self._pace_clock.monotonic_of(slot)

    def _waits(self, route: Route) -> float:
        with self._database.read() as connection:
            until = paces.read_pace(connection, route.app, READ_APIS[route.chat]).blocked_until
            return max(0.0, (until - self._pace_clock.seen(connection)).total_seconds()) if until else 0.0

    def _settle(self, asked: Sequence[Inquiry]) -> None:
        """Let the pace follow what was answered, and give back what cost nothing."""
        readings = defaultdict[tuple[str, str], list[Reading]](list)
        for one in asked:
            readings[one.question.route.app, READ_APIS[one.question.route.chat]].append(one.reading)
        free = Counter(one.question.route.app for one in asked if not one.cost)
        with self._database.write() as connection:
            for app, calls in sorted(free.items()):
                usage.count_usage(connection, app, month_of(self._clock.now()), -calls)
            change_paces(connection, self._pace_clock, readings)


def _ended(question: Question, future: "Future[Answer | NoAnswer]") -> Inquiry:
    try:
        answer = future.result()
    except PausedError as error:
        # Of its app no token can be had: it never left, and what the others were answered is kept.
        reading = Reading(verdict=Verdict.PAUSE, code=error.code, reason=str(error), error=error)
        return Inquiry(question=question, answer=NoAnswer(reason=str(error), sent=False), reading=reading, cost=0)
    reading = read_inquiry(answer)
    return Inquiry(question=question, answer=answer, reading=reading, cost=0 if reading.is_free else 1)
