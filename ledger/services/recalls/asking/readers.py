"""Who has read it: asked of DingTalk message by message, of a sample by default, since each call is one of the month's.

What was answered is kept as it comes, in one transaction with what the history says of it. Whoever is interrupted asks
again for the same: what was answered within ten minutes is not asked a second time.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import check_actor
from ledger.core.deadline import WINDOW
from ledger.core.readers.read_sample import (
    ANSWERED,
    ASKED,
    KnownReading,
    ReadPrice,
    ReadReport,
    SampledMessage,
    drawn,
    least_calls,
    report_of,
    usual_sample,
)
from ledger.core.readers.read_status import ReadPage, SendStatus, read_page
from ledger.core.recalls.plan import NO_APP
from ledger.core.recalls.quota import bounds_of, month_of, quota
from ledger.core.recording.message import Chat
from ledger.errors import EmptySelectionError, InputError, NothingEligibleError
from ledger.services.events.elsewhere_entries import written_down
from ledger.services.recalls.asking.inquiries import AGAIN, MOST_ASKS, Inquirer, Inquiry, Question
from ledger.services.reports.people import Whose
from ledger.services.upkeep.robots import app_of
from ledger.settings import Settings
from ledger.store.audit import commitments, history
from ledger.store.database import Database
from ledger.store.events import elsewhere
from ledger.store.events.message_events import readers_told
from ledger.store.readers import read_counts, readable
from ledger.store.readers.readable import ReadableMessage
from ledger.store.recalls import recalls, usage

OnAsked = Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class _Asking:
    """One message that is being asked about: the readers that its pages have named so far."""

    message: ReadableMessage
    readers: frozenset[str] = frozenset()
    next_token: str | None = None
    asks: int = 0

    @property
    def question(self) -> Question:
        """What is asked next of it."""
        one = self.message
        return Question(route=one.route, process_query_key=one.process_query_key, next_token=self.next_token)


@dataclass(slots=True, kw_only=True)
class _Drawing:
    """What there is to ask about, how many of it are drawn, and what is known of each."""

    whose: Whose
    messages: list[ReadableMessage]
    price: ReadPrice
    known: dict[int, KnownReading]
    to_ask: list[ReadableMessage] = field(default_factory=list)
    told: int = 0

    def report(self, calls: int) -> ReadReport:
        """Return what is known now."""
        every = [SampledMessage(people=_people(one), known=self.known.get(one.message_id)) for one in self.messages]
        drawn_ones = self.price.sample
        found = report_of(every[:drawn_ones], every[drawn_ones:], calls=calls, recall_id=self.whose.recall_id)
        price = self.price
        return replace(found, too_late=price.too_late, unconfigured=price.unconfigured, told=self.told)


def _people(message: ReadableMessage) -> int | None:
    if message.route.chat is Chat.ONE_TO_ONE or message.recipients:
        return message.recipients
    return None


class ReadAsker:
    """Asks who has read messages of a selection, or of a recall."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, inquirer: Inquirer) -> None:
        self._database, self._clock, self._settings, self._inquirer = database, clock, settings, inquirer

    def price(self, whose: Whose, *, sample: int | None = None) -> ReadPrice:
        """Say what it costs to ask about so many messages, drawn by lot; without a number, as many as the month bears.

        Raise EmptySelectionError, UnknownRecallError, NothingEligibleError when nothing can be asked about, and
        InputError when the month bears nothing and nobody says how many.
        """
        return self._draw(whose, sample).price

    def ask(
        self, whose: Whose, *, sample: int | None = None, actor: str, on_asked: OnAsked = lambda _done, _all: None
    ) -> ReadReport:
        """Ask, and return what is known then; raise as `price` does, and PausedError when somebody must fix something.

        `on_asked` is told how many of the messages are done, and of how many.
        """
        check_actor(actor)
        drawing = self._draw(whose, sample)
        if not drawing.to_ask:
            return drawing.report(0)
        selection = None if whose.recall_id is not None else whose.selection.to_json()
        self._note_intent(drawing, selection, actor)
        calls, total = 0, len(drawing.to_ask)
        waiting = deque(_Asking(message=one) for one in drawing.to_ask)
        # More pages than anybody knew of never take what is kept for recalls.
        most = max(drawing.price.calls, _left(drawing.price))
        while waiting and calls < most:
            batch = [waiting.popleft() for _ in range(min(self._inquirer.at_once, len(waiting)))]
            asked = self._inquirer.ask([one.question for one in batch])
            # What did not leave any more waits with the rest, for the error that says why.
            waiting.extendleft(reversed(batch[len(asked) :]))
            calls += sum(one.cost for one in asked)
            pairs = list(zip(batch, asked, strict=False))
            again = [one for one, inquiry in pairs if _goes_on(one, inquiry)]
            self._keep(drawing, [one for one in pairs if one[0] not in again], actor)
            error = next((inquiry.error for _, inquiry in pairs if inquiry.error is not None), None)
            if error is not None:
                raise error
            waiting.extendleft(reversed(again))
            on_asked(total - len(waiting), total)
        return drawing.report(calls)

    def known(self, whose: Whose) -> ReadReport | None:
        """Return what is known of messages that can still be asked about, without a call; None when nothing is.

        Whoever was not asked before the last of the lot who was counts as not answered. Raise as `price` does.
        """
        now = self._clock.now()
        with self._database.read() as connection:
            messages = drawn(self._found(connection, whose, now).messages)
            # What can be asked about was sent since, so that it was not asked about before.
            known = read_counts.asked_since(connection, now - WINDOW)
            told = _told(connection, messages)
        every = [SampledMessage(people=_people(one), known=known.get(one.message_id)) for one in messages]
        last = max((place for place, one in enumerate(every, start=1) if one.known is not None), default=0)
        found = report_of(every[:last], every[last:], calls=0, recall_id=whose.recall_id)
        return replace(found, told=told) if last else None

    def _draw(self, whose: Whose, sample: int | None) -> _Drawing:
        now = self._clock.now()
        with self._database.read() as connection:
            found = self._found(connection, whose, now)
            used = usage.used_calls(connection, month_of(now), *bounds_of(now))
            messages = drawn(one for one in found.messages if one.route.app != NO_APP)
            if not messages:
                raise NothingEligibleError(_nothing(found))
            left = self._settings.monthly_calls - used - self._settings.quota_reserve_calls
            size = usual_sample(len(messages), left) if sample is None else min(sample, len(messages))
            if not size:
                raise InputError(
                    f"the month has too few calls left to spend any on questions ({max(left, 0):,} above the "
                    "reserve): name how many messages to ask about all the same, as in --sample 20"
                )
            known = read_counts.asked_since(connection, now - WINDOW)
            told = _told(connection, messages)
        drawing = self._priced(whose, found, messages, size, known, used, now)
        drawing.told = told
        return drawing

    def _priced(
        self,
        whose: Whose,
        found: readable.Readable,
        messages: list[ReadableMessage],
        size: int,
        known: dict[int, KnownReading],
        used: int,
        now: datetime,
    ) -> _Drawing:
        to_ask = [one for one in messages[:size] if not _is_fresh(known.get(one.message_id), now)]
        calls = sum(least_calls(known.get(one.message_id)) for one in to_ask)
        price = ReadPrice(
            messages=len(messages),
            sample=size,
            known=size - len(to_ask),
            calls=calls,
            is_least=any(one.route.chat is not Chat.ONE_TO_ONE for one in to_ask),
            quota=quota(self._settings.monthly_calls, used, calls, self._settings.quota_reserve_calls),
            too_late=found.too_late,
            unconfigured=len(found.messages) - len(messages),
        )
        return _Drawing(whose=whose, messages=messages, price=price, known=known, to_ask=to_ask)

    def _found(self, connection: Connection, whose: Whose, now: datetime) -> readable.Readable:
        apps = partial(app_of, self._settings)
        if whose.recall_id is not None:
            return readable.of_recall(connection, recalls.get(connection, whose.recall_id), now, apps)
        if whose.selection.is_empty:
            raise EmptySelectionError
        return readable.of_selection(connection, whose.selection, now, apps)

    def _note_intent(self, drawing: _Drawing, selection: Mapping[str, Any] | None, actor: str) -> None:
        price = drawing.price
        detail: dict[str, Any] = {
            "messages": price.messages,
            "sample": price.sample,
            "known": price.known,
            "calls": price.calls,
        }
        with self._database.write() as connection:
            if selection is not None:
                detail["selection"] = commitments.to_write(connection).selection(selection)
            history.append(connection, [_entry(ASKED, drawing, detail, actor, self._clock.now())])

    def _keep(self, drawing: _Drawing, done: Sequence[tuple[_Asking, Inquiry]], actor: str) -> None:
        """Keep what was answered of messages that are done with, and say so in the history."""
        if not done:
            return
        now = self._clock.now()
        numbers = [one.message.message_id for one, _ in done]
        with self._database.write() as connection:
            reached = readable.recipients_of(connection, numbers, drawing.whose.recall_id)
            said = {
                one.message.message_id: reading
                for one, inquiry in done
                if (reading := _reading(one, inquiry, reached.get(one.message.message_id, frozenset()), now))
            }
            read_counts.keep(connection, said)
            answers = [[number, one.status, one.read, one.unread] for number, one in said.items()]
            detail = {"answers": answers, "unanswered": len(done) - len(said)}
            # A recalled message may name nobody any more: that it is gone is said all the same.
            gone = [one.message.message_id for one, inquiry in done if _page(inquiry).status is SendStatus.RECALLED]
            found, _ = written_down(connection, elsewhere.answered_gone(connection, gone), now)
            history.append(connection, [_entry(ANSWERED, drawing, detail, actor, now), *found])
            # What is kept may be more than was answered now.
            drawing.known |= read_counts.of_messages(connection, numbers)


def _told(connection: Connection, messages: Sequence[ReadableMessage]) -> int:
    """Return how many readers of messages events have named."""
    readers = readers_told(connection)
    return sum(readers.get(one.message_id, 0) for one in messages) if readers else 0


def _entry(event: str, drawing: _Drawing, detail: Mapping[str, Any], actor: str, at: datetime) -> history.Entry:
    return history.Entry(at=at, event=event, actor=actor, recall_id=drawing.whose.recall_id, detail=detail)


def _left(price: ReadPrice) -> int:
    left = price.quota
    return left["limit"] - left["used"] - left["reserve"]


def _is_fresh(known: KnownReading | None, now: datetime) -> bool:
    return known is not None and known.is_fresh(now)


def _goes_on(one: _Asking, inquiry: Inquiry) -> bool:
    """Say whether a message has to be asked about once more: for its next page, or because the answer did not come."""
    if inquiry.reading.verdict in AGAIN:
        one.asks += 1
        return one.asks < MOST_ASKS
    page = _page(inquiry)
    # A page that was there before would come for ever.
    if page.readers is None or page.next_token is None or page.readers <= one.readers:
        return False
    one.readers, one.next_token, one.asks = one.readers | page.readers, page.next_token, 0
    return True


def _page(inquiry: Inquiry) -> ReadPage:
    return read_page(inquiry.question.route.chat, inquiry.answer)


def _reading(one: _Asking, inquiry: Inquiry, reached: frozenset[str], now: datetime) -> KnownReading | None:
    """Return what the last page of a message says with those before it; None when it does not say who has read it."""
    page = _page(inquiry)
    if page.readers is None:
        return None
    readers = one.readers | page.readers
    unread = page.unread
    if unread is None and reached:
        unread = len(reached - readers)
    return KnownReading(asked_at=now, status=page.status, read=len(readers), unread=unread)


def _nothing(found: readable.Readable) -> str:
    if found.messages:
        return "no app is configured for the robots of these messages, so that nobody can ask about them"
    if found.too_late:
        return (
            "all of it is past its 24 hours, and DingTalk tells no more of it: `ledger show` has what was asked before"
        )
    return "the ledger holds no message that fits"
