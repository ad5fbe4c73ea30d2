"""The notifier: finds what somebody should hear of, puts that into the outbox once, and sends what is there.

Any number of workers do so beside each other: what was told is moved on by whoever comes first, in the transaction that
fills the outbox, and a notice belongs to who took it until a lease ends. A notice arrives once, or more often when
somebody dies between sending and writing that down.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import Connection

from ledger.clock import Clock, format_time, parse_time
from ledger.core.notices.notices import OF_HISTORY, Notice, places_of
from ledger.errors import LedgerError, UnknownCorrectionError, UnknownRecallError
from ledger.notice_events import NoticeEvent
from ledger.services.corrections.correction_reports import CorrectionReports
from ledger.services.notices.conditions import SEEN, SEEN_EVERY, Condition, absence, conditions
from ledger.services.notices.correction_facts import facts_of_correction
from ledger.services.notices.recall_facts import facts_of
from ledger.services.notices.receivers import Receiver
from ledger.services.reports.people import PeopleReports, Whose
from ledger.services.reports.recalls import RecallReports
from ledger.settings import Settings
from ledger.spool.spool import Depth
from ledger.store.audit import checkpoints
from ledger.store.database import Database
from ledger.store.notices import notices

HISTORY = "history"
# Who has told nobody for a while does not begin with what is long over.
NEWS = timedelta(hours=24)
CONDITIONS_EVERY = timedelta(seconds=60)

log = logging.getLogger(__name__)


class Notifier:
    """Tells the places that the settings name."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        reports: RecallReports,
        people: PeopleReports,
        corrections: CorrectionReports,
        depth: Callable[[], Depth],
        receivers: Mapping[str, Receiver],
    ) -> None:
        self._database, self._clock, self._settings = database, clock, settings
        self._reports, self._people, self._corrections = reports, people, corrections
        self._depth, self._receivers = depth, receivers
        self._looked_at: float | None = None

    def run_once(self) -> None:
        """Find out what is to be told, and send what is due."""
        self.collect()
        self.deliver()

    def collect(self) -> None:
        """Put into the outbox what the history tells, and which conditions hold."""
        with self._database.read() as connection:
            marks = notices.marks(connection)
        self._follow_history(marks.get(HISTORY))
        self._note_seen(marks.get(SEEN))
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= CONDITIONS_EVERY.total_seconds():
            self._look(marks)
            self._looked_at = now

    def deliver(self) -> None:
        """Send what is due; what does not arrive is tried again later."""
        places = tuple(self._receivers)
        while self._is_due():
            with self._database.write() as connection:
                notices.drop_others(connection, places)
                # One at a time: a place may keep it waiting for long, and nobody else is to send the next meanwhile.
                taken = notices.take(connection, self._clock.now())
            if taken is None:  # somebody else was quicker
                return
            self._send(taken)

    def test(self, actor: str) -> dict[str, str | None]:
        """Send a test to every place at once; return what is wrong with each, None where it has arrived."""
        notice = self._notice(NoticeEvent.TEST, {"by": actor})
        found = {name: _sent(receiver, notice) for name, receiver in self._receivers.items()}
        now = self._clock.now()
        with self._database.write() as connection:
            for name, error in found.items():
                notices.note_test(connection, name, error, now)
        return found

    def _is_due(self) -> bool:
        with self._database.read() as connection:
            return notices.is_due(connection, self._clock.now())

    def _follow_history(self, mark: str | None) -> None:
        with self._database.read() as connection:
            last = checkpoints.last_entry(connection)
            start = _start(mark, last)
            told = [] if mark is None else notices.told_by_history(connection, start, OF_HISTORY)
        if mark is None:
            # What was before there was anybody to tell is nobody's news.
            with self._database.write() as connection:
                notices.move_mark(connection, HISTORY, None, str(last))
            return
        if mark == str(last):
            return
        oldest = self._clock.now() - NEWS
        news = [one for one in told if one.id <= last and one.at >= oldest]
        found = [notice for one in news if (notice := self._of_entry(one)) is not None]
        with self._database.write() as connection:
            if notices.move_mark(connection, HISTORY, mark, str(last)):
                self._add(connection, found)

    def _of_entry(self, told: notices.ToldEntry) -> Notice | None:
        try:
            facts = self._of_correction(told) if "correction" in told.detail else self._of_recall(told)
        except (UnknownRecallError, UnknownCorrectionError):  # it has left since
            return None
        return Notice(uid=f"entry-{told.id}", event=OF_HISTORY[told.event], at=told.at, facts=facts)

    def _of_recall(self, told: notices.ToldEntry) -> dict[str, Any]:
        report = self._reports.summary(told.recall_id)
        is_over = OF_HISTORY[told.event] is NoticeEvent.FINISHED
        people = self._people.count(Whose(recall_id=told.recall_id)) if is_over else None
        return facts_of(told, report, people, self._settings.public_url)

    def _of_correction(self, told: notices.ToldEntry) -> dict[str, Any]:
        result = self._corrections.result(cast("int", told.detail["correction"]))
        return facts_of_correction(told, result, self._settings.public_url)

    def _note_seen(self, seen: str | None) -> None:
        now = self._clock.now()
        if seen is not None and abs(now - parse_time(seen)) < SEEN_EVERY:
            return
        facts = absence(seen, now)
        with self._database.write() as connection:
            if notices.move_mark(connection, SEEN, seen, format_time(now)) and facts is not None:
                self._add(connection, [self._notice(NoticeEvent.WORKER, facts)])

    def _look(self, marks: Mapping[str, str]) -> None:
        with self._database.read() as connection:
            found = list(conditions(connection, self._settings, self._clock.now(), self._depth(), marks))
        changed = [one for one in found if one.told != marks.get(one.mark)]
        if changed:
            with self._database.write() as connection:
                for one in changed:
                    self._tell(connection, one, marks.get(one.mark))

    def _tell(self, connection: Connection, one: Condition, before: str | None) -> None:
        if one.told is None:
            notices.drop_mark(connection, one.mark)
        elif notices.move_mark(connection, one.mark, before, one.told):
            self._add(connection, [self._notice(one.event, one.facts)])

    def _notice(self, event: NoticeEvent, facts: Mapping[str, Any]) -> Notice:
        return Notice(uid=f"notice-{uuid4()}", event=event, at=self._clock.now(), facts=facts)

    def _add(self, connection: Connection, found: Iterable[Notice]) -> None:
        table, every = self._settings.notify_events, tuple(self._receivers)
        for notice in found:
            notices.add(connection, notice, places_of(notice.event, table, every))

    def _send(self, taken: notices.TakenNotice) -> None:
        error = _sent(self._receivers[taken.place], taken.notice)
        now = self._clock.now()
        with self._database.write() as connection:
            if error is None:
                notices.arrived(connection, taken, now)
            elif notices.failed(connection, taken, error, now):
                log.warning(
                    "a notice of %s never reached %s, and is given up: %s", taken.notice.event, taken.place, error
                )


def _start(mark: str | None, last: int) -> int:
    """Return after which entry the news begins: where somebody moved the mark beyond the last, all of late is told."""
    if mark is None or (mark.isdecimal() and int(mark) <= last):
        return int(mark or 0)
    log.warning(
        "notices had been told of up to entry %s, and the last one is %s: all of late is told again", mark, last
    )
    return 0


def _sent(receiver: Receiver, notice: Notice) -> str | None:
    """Hand a notice over; return what went wrong."""
    try:
        receiver.take(notice)
    except LedgerError as error:
        return str(error)
    except Exception as error:  # a library that speaks to a hundred services: none of its faults stops the others
        log.debug("a notice was not taken", exc_info=True)
        return type(error).__name__
    return None
