"""Sending corrections: commit the intent, record the send and call out, commit the outcome; never the same twice.

Any number of senders, in any number of processes, work on the same queue: it is in the database.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime
from random import Random
from typing import Protocol

from ledger.clock import Clock
from ledger.core.answer import Answer, NoAnswer
from ledger.core.corrections.correction import SOURCE
from ledger.core.recording.message import AppName, Chat, RobotCode, Route
from ledger.core.recording.send_calls import path_of
from ledger.errors import LedgerError
from ledger.patience import OutageLog
from ledger.services.corrections.send_claimer import SendClaimer
from ledger.services.corrections.send_settler import SendSettler
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.running.call_loop import CallLoop, Claim
from ledger.services.recalls.running.call_result import Ending
from ledger.services.recording.sends import SendRecorder
from ledger.settings import Settings
from ledger.store.corrections import correction_sends
from ledger.store.corrections.correction_sends import LeavingSend
from ledger.store.database import Database


class SendCalls(Protocol):
    """Whoever sends to people one by one; raises LedgerError when somebody must fix something first."""

    def prepare(self, app: AppName) -> NoAnswer | None:
        """Get ready to call for an app, so that the call itself leaves at once."""

    def send(self, route: Route, people: Sequence[str], msg_key: str, msg_param: str) -> Answer | NoAnswer:
        """Make one call."""


class Sender(CallLoop[LeavingSend]):
    """Makes the calls of running corrections; each is recorded as every send is, so that it can be recalled."""

    def __init__(
        self,
        database: Database,
        caller: SendCalls,
        recorder: SendRecorder,
        clock: Clock,
        pace_clock: PaceClock,
        settings: Settings,
        executor: Executor,
        outage: OutageLog,
        *,
        random: Random | None = None,
    ) -> None:
        super().__init__(clock, settings, executor, set(), outage, "send")
        self._database, self._caller, self._recorder = database, caller, recorder
        self._claimer = SendClaimer(database, clock, pace_clock, settings, leases.own_name())
        self._settler = SendSettler(database, clock, pace_clock, random or Random())  # noqa: S311  (spreads retries, guards nothing)

    def is_needed(self) -> bool:
        """Say whether any correction runs, or anything of one is on its way."""
        with self._database.read() as connection:
            return correction_sends.any_at_work(connection)

    def _claim(self, apps: frozenset[AppName], free: int) -> Claim[LeavingSend]:
        return self._claimer.claim(apps, free, self._dead(), frozenset(self._held))

    def _owners(self) -> Sequence[str]:
        with self._database.read() as connection:
            return correction_sends.owners(connection)

    def _write_down(self, endings: Sequence[tuple[LeavingSend, Ending, datetime]]) -> None:
        if endings:
            self._insist(lambda: self._settler.settle(endings))

    def _ending(self, call: LeavingSend) -> Ending:
        unready = self._caller.prepare(call.app)
        if unready is not None:
            return unready
        self._leave(call)
        return self._recorded(call)

    def _recorded(self, send: LeavingSend) -> Ending:
        """Send it, written down before it leaves and when its answer is there."""
        body = {"robotCode": send.robot_code, "userIds": list(send.people)}
        body |= {"msgKey": send.msg_key, "msgParam": send.msg_param}
        path = path_of(Chat.ONE_TO_ONE)
        route = Route(app=send.app, chat=Chat.ONE_TO_ONE, robot_code=RobotCode(send.robot_code))
        followed = self._recorder.sending("POST", path, body, campaign=send.campaign, source=SOURCE)
        try:
            answer = self._caller.send(route, send.people, send.msg_key, send.msg_param)
        except LedgerError:
            # It did not leave, or was refused as a whole.
            if followed is not None:
                followed.void()
            raise
        if followed is not None:
            if isinstance(answer, Answer):
                self._recorder.wait(followed.answered(answer.status, answer.body))
            elif answer.sent:
                self._recorder.wait(followed.lost(answer.reason))
            else:
                followed.void()
        return answer
