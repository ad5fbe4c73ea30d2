"""The pretend DingTalk as a state machine: requests in, replies out, time from outside, no socket and no sleep."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from .behaviour import Behaviour
from .changes import checked_changes
from .exchange import Reply, Request
from .journal import Call
from .messages import Chat, Message
from .scripts import ScriptedAnswer
from .service import Service
from .streaming import Push, content_of

JOURNAL_SIZE = 200_000


def system_time() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


class World:
    """A DingTalk with one clock, `now`, which has to give aware times; safe to share between threads.

    `apps` maps app keys to secrets and `robots` names the robot codes; None accepts any. The same `seed` makes the
    same keys, tokens and request ids. `journal_size` bounds how many calls are kept; None keeps them all.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = system_time,
        behaviour: Behaviour | None = None,
        *,
        apps: Mapping[str, str] | None = None,
        robots: Collection[str] | None = None,
        seed: int | None = None,
        journal_size: int | None = JOURNAL_SIZE,
    ) -> None:
        self.now = now
        self._lock = threading.RLock()
        self._fresh: Callable[[], Service] = partial(
            Service, behaviour or Behaviour(), apps, robots, seed, journal_size
        )
        self._service = self._fresh()
        self._stream_endpoint: Callable[[], str] | None = None
        self._on_push: Callable[[], object] = lambda: None
        self._stream_changed = threading.Condition(self._lock)

    def handle(self, request: Request) -> Reply:
        """Take one request in and answer it; the reply says how late and whether the line is cut."""
        with self._lock:
            self._service.endpoint = self._stream_endpoint
            before = len(self._service.stream.pushes)
            reply = self._service.handle(request, self.now())
            has_pushed = len(self._service.stream.pushes) > before
        if has_pushed:
            self._on_push()
        return reply

    def reset(self) -> None:
        """Put everything back to how it was at the start: no message, no token, no call, the first behaviour."""
        with self._lock:
            self._service = self._fresh()

    @property
    def behaviour(self) -> Behaviour:
        """The conduct of the moment."""
        return self._service.behaviour

    def change(self, **fields: object) -> Behaviour:
        """Change fields of the behaviour; raise ValueError that names the nearest known field or choice."""
        with self._lock:
            service, changes = self._service, checked_changes(fields)
            service.behaviour = replace(service.behaviour, **changes)
            if "silent_next" in changes:
                service.tally.silent_left = service.behaviour.silent_next
            if "failed_reasons" in changes:
                service.tally.failed_asks.clear()
            return service.behaviour

    def configure(self, *, apps: Mapping[str, str] | None = None, robots: Collection[str] | None = None) -> None:
        """Say which app keys with which secrets, and which robots there are; what is None stays as it was."""
        with self._lock:
            if apps is not None:
                self._service.tokens.apps = dict(apps)
            if robots is not None:
                self._service.robots = frozenset(robots)

    def script(self, *scripts: ScriptedAnswer) -> None:
        """Queue answers up for the next calls."""
        with self._lock:
            self._service.scripts.add(scripts)

    def scripts_waiting(self) -> int:
        """Return how many scripted answers were not given yet."""
        with self._lock:
            return len(self._service.scripts)

    def revoke_tokens(self) -> int:
        """End every token before its time; return how many there were."""
        with self._lock:
            return self._service.tokens.revoke()

    def issue_token(self, app: str = "dingapp") -> str:
        """Return the token of an internal app without a call for it."""
        with self._lock:
            return self._service.issue_token(app, self.now())

    def make_keys(self, count: int) -> list[str]:
        """Make keys up that no message has yet."""
        with self._lock:
            return [self._service.ids.message_key() for _ in range(count)]

    def seed_messages(self, messages: Iterable[Message]) -> int:
        """Take in messages as if they had been sent; return how many."""
        with self._lock:
            return self._service.messages.add(messages)

    def make_messages(
        self,
        count: int,
        *,
        robot_code: str,
        sent_at: datetime | None = None,
        chat: Chat = Chat.ONE_ON_ONE,
        users: Iterable[str] = (),
        conversation: str | None = None,
    ) -> list[str]:
        """Make `count` messages up, each sent at `sent_at` (None: now); return their keys."""
        pattern = Message(
            key="",
            robot_code=robot_code,
            sent_at=sent_at or self.now(),
            chat=chat,
            users=tuple(users),
            conversation=conversation,
        )
        keys = self.make_keys(count)
        self.seed_messages([replace(pattern, key=key) for key in keys])
        return keys

    def age_messages(self, by: timedelta, keys: Collection[str] | None = None) -> int:
        """Make messages (None: all) look as if they had been sent `by` earlier; return how many."""
        with self._lock:
            return self._service.messages.age(by, keys)

    def messages(self) -> list[Message]:
        """Return every message."""
        with self._lock:
            return list(self._service.messages)

    def received(self, robot_code: str | None = None, *, msg_key: str | None = None) -> Counter[str]:
        """Return how many one-on-one messages each user got: all of them, or those of a robot, or of a template."""
        return Counter(
            user
            for message in self.messages()
            if message.chat is Chat.ONE_ON_ONE
            and robot_code in (None, message.robot_code)
            and msg_key in (None, message.msg_key)
            for user in message.users
        )

    def message(self, key: str) -> Message | None:
        """Return one message, or None."""
        with self._lock:
            return self._service.messages.find(key)

    def calls(self, path: str | None = None) -> list[Call]:
        """Return the calls that are kept, of one path or of all."""
        with self._lock:
            return [call for call in self._service.journal.calls if path is None or call.path == path]

    def counts(self) -> dict[str, Any]:
        """Return the counts of all calls: total, by_path, by_code, busiest_second, quota_used."""
        with self._lock:
            return {**self._service.journal.counts(), "quota_used": self._service.gateway.quota.all_used()}

    def listen(self, endpoint: Callable[[], str], on_push: Callable[[], object]) -> None:
        """Let Stream connections go to an address, which is asked for with the first one; hear of each push."""
        self._stream_endpoint, self._on_push = endpoint, on_push

    def push_event(self, kind: str, key: str, user: str | None = None, *, app: str | None = None) -> str:
        """Push an event (`robot_msg_read`, `robot_msg_recall`) of a message and somebody; return the event's id."""
        with self._lock:
            service, now = self._service, self.now()
            message = service.messages.find(key) or Message(key=key, robot_code="robot-1", sent_at=now)
            content = content_of(message, user, kind, now)
            event_id = service.stream.push_event(app or message.app or "dingapp", kind, content, now, service.behaviour)
        self._on_push()
        return event_id

    def push_frame(self, frame: Any, *, app: str = "dingapp") -> None:
        """Push any frame, or anything else, to one of an app's connections."""
        with self._lock:
            self._service.stream.push(app, frame, self.now())
        self._on_push()

    def push_system(self, topic: str) -> None:
        """Send `ping` or `disconnect` to every connection."""
        with self._lock:
            self._service.stream.push_system(topic, self.now())
        self._on_push()

    def pushes(self) -> list[Push]:
        """Return everything that was pushed, each with how it was acknowledged."""
        with self._lock:
            return [replace(push) for push in self._service.stream.pushes]

    def wait_for_stream(self, is_so: Callable[["World"], bool], timeout_seconds: float = 10.0) -> bool:
        """Return once something holds of connections and pushes, or the time is over; say whether it does."""
        with self._stream_changed:
            return self._stream_changed.wait_for(lambda: is_so(self), timeout_seconds)

    def stream_connections(self) -> int:
        """Return how many connections are open that were not told to go."""
        with self._lock:
            return sum(one.closes_at is None and one.is_open for one in self._service.stream.callers.values())

    def stream_enter(self, ticket: str) -> int | None:
        """Let somebody in who has a ticket; return the number of the connection, or None."""
        with self._lock:
            return self._service.stream.enter(ticket, self.now())

    def stream_is_open(self, number: int) -> None:
        """Note that a connection can be written to."""
        with self._stream_changed:
            if (caller := self._service.stream.callers.get(number)) is not None:
                caller.is_open = True
            self._stream_changed.notify_all()

    def stream_leave(self, number: int) -> None:
        """Forget a connection that is over."""
        with self._stream_changed:
            self._service.stream.leave(number)
            self._stream_changed.notify_all()

    def stream_answer(self, number: int, text: str | bytes) -> None:
        """Take what a connection said."""
        with self._stream_changed:
            self._service.stream.take_answer(number, text)
            self._stream_changed.notify_all()

    def stream_due(self) -> list[tuple[int, str]]:
        """Return what has to be sent now, and to which connection."""
        with self._lock:
            return self._service.stream.due(self.now())

    def stream_shut(self) -> list[int]:
        """Return the connections that have to be shut now."""
        with self._lock:
            return self._service.stream.shut(self.now())
